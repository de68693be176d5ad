"""A company's proxy on 127.0.0.1: company.py EMULATOR_PORT FOLDER USER:PASSWORD

It asks for a password, opens each tunnel with a certificate of an authority of its own (ca.pem), and leads all of them to
the emulator. The folder gets the port, and a line for each tunnel: the host, and the first request."""
import base64, datetime, pathlib, socket, ssl, sys, threading
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

emulator, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
expected = b"Basic " + base64.b64encode(sys.argv[3].encode())
lock = threading.Lock()


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number(),
                                      now - datetime.timedelta(days=1), now + datetime.timedelta(days=2))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def context():
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "ca.pem").write_bytes(certificate("Company CA", authority, "Company CA", authority, [
        (x509.BasicConstraints(True, None), True),
        (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)]))
    hosts = ["*.eu-west-1.amazonaws.com", "*.s3.eu-west-1.amazonaws.com", "*.aws.example", "*.s3.aws.example"]
    (folder / "server.pem").write_bytes(certificate("proxy", server, "Company CA", authority, [
        (x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False),
        (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)]) + server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "server.pem")
    return made


def note(line):
    with lock, open(folder / "tunnels", "a") as file:
        file.write(line + "\n")


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, tls):
    head = b""
    while b"\r\n\r\n" not in head and (data := client.recv(4096)):
        head += data
    first, *headers = head.split(b"\r\n")
    _, host, _ = first.split(b" ")
    sent = [value.strip() for key, _, value in (header.partition(b":") for header in headers)
            if key.lower() == b"proxy-authorization"]
    if sent != [expected]:
        note(f"{host.decode()} 407")
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
        return client.close()
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    try:
        inside = tls.wrap_socket(client, server_side=True)
        request = inside.recv(65536)
    except OSError as error:
        return note(f"{host.decode()} {type(error).__name__}")
    if not request:
        return inside.close()
    note(f"{host.decode()} {request.split(b' ')[1][:8].decode(errors='replace')}")
    upstream = socket.create_connection(("127.0.0.1", emulator))
    upstream.sendall(request)
    threading.Thread(target=copy, args=(upstream, inside), daemon=True).start()
    copy(inside, upstream)


tls = context()
listener = socket.create_server(("127.0.0.1", 0), backlog=64)
(folder / "port.part").write_text(str(listener.getsockname()[1]))
(folder / "port.part").rename(folder / "port")
# It ends with the test, which holds the other end of its standard input.
threading.Thread(target=lambda: [threading.Thread(target=serve, args=(listener.accept()[0], tls), daemon=True).start()
                                 for _ in iter(int, 1)], daemon=True).start()
sys.stdin.read()
