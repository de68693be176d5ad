"""Listing and deleting object versions."""

from bisect import bisect_left, bisect_right
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from ministack.services import s3

from .patching import replace
from .settings import Settings

MAX_KEYS = 1000


def install_listing(settings: Settings) -> None:
    """ListObjectVersions can be paged while what it lists is being deleted.

    AWS: a page goes on after its markers, whether or not the version they name still exists.
    Emulator: when it does not, the key's other versions are left out, so that emptying a
    bucket page by page leaves some behind; and each page sorts every key again, so that the
    time to list a bucket grows with the square of its size. It does not encode keys when it is
    asked to, so that a key with a control character makes its answer no XML.
    """
    stock_list = s3._list_object_versions
    s3._object_versions._data = _Histories(s3._object_versions._data)

    def list_versions(bucket_name, query):
        bucket = s3._ensure_bucket(bucket_name)
        if bucket is None or s3._qp(query, "delimiter", ""):
            return stock_list(bucket_name, query)
        return _VersionsPage(bucket_name, bucket, query).response()

    replace(s3, "_list_object_versions", list_versions)


class _Histories(dict):
    """The emulator's version histories, counting the keys that were ever added."""

    added = 0

    def __setitem__(self, key, value):
        self.added += key not in self
        super().__setitem__(key, value)

    def setdefault(self, key, default=None):
        self.added += key not in self
        return super().setdefault(key, default)


_sorted: dict[tuple[str, str], tuple[int, list[str]]] = {}


def _sorted_keys(bucket_name: str, bucket: dict) -> list[str]:
    """The bucket's keys in order; among them some that are gone by now.

    Kept from page to page until a key is added anywhere. A bucket that never had versioning has
    no histories to count by.
    """
    histories = s3._object_versions
    bucket_key = histories._scoped(bucket_name)
    added = histories._data.added
    known, keys = _sorted.get(bucket_key, (None, []))
    if known == added and bucket_name in s3._bucket_versioning:
        return keys
    account = histories._prefix()
    found = {key for owner, (name, key) in list(histories._data) if name == bucket_name and owner == account}
    keys = sorted(found.union(bucket["objects"]))
    _sorted[bucket_key] = added, keys
    return keys


class _VersionsPage:
    def __init__(self, bucket_name: str, bucket: dict, query: dict):
        self._name = bucket_name
        self._bucket = bucket
        self._prefix = s3._qp(query, "prefix", "")
        self._key_marker = s3._qp(query, "key-marker", "")
        self._version_marker = s3._qp(query, "version-id-marker", "")
        self._encoding = s3._qp(query, "encoding-type", "")
        self._max_keys = min(int(s3._qp(query, "max-keys", str(MAX_KEYS))), MAX_KEYS)

    def response(self) -> tuple:
        entries = self._entries()
        page, truncated = entries[: self._max_keys], len(entries) > self._max_keys
        owner = f"<Owner><ID>{s3._canonical_owner_id()}</ID><DisplayName>ministack</DisplayName></Owner>"
        markers = ""
        if truncated and page:
            key, version = page[-1]
            markers = (
                f"<NextKeyMarker>{self._shown(key)}</NextKeyMarker>"
                f"<NextVersionIdMarker>{version['version_id']}</NextVersionIdMarker>"
            )
        encoding = f"<EncodingType>{escape(self._encoding)}</EncodingType>" if self._encoding else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<ListVersionsResult xmlns="{s3.S3_NS}">'
            f"<Name>{self._name}</Name><Prefix>{self._shown(self._prefix)}</Prefix>"
            f"<KeyMarker>{self._shown(self._key_marker)}</KeyMarker>"
            f"<VersionIdMarker>{escape(self._version_marker)}</VersionIdMarker>"
            f"<MaxKeys>{self._max_keys}</MaxKeys><IsTruncated>{str(truncated).lower()}</IsTruncated>"
            f"{encoding}{markers}{''.join(self._element(key, version, owner) for key, version in page)}"
            "</ListVersionsResult>"
        )
        return 200, {"Content-Type": "application/xml"}, body.encode()

    def _shown(self, key: str) -> str:
        """A key as XML can hold it, whatever is in it, where the request asks for that."""
        return quote_plus(key, safe="/*") if self._encoding == "url" else escape(key)

    def _entries(self) -> list[tuple[str, dict]]:
        """One more than fit on the page, to tell whether there is a next one."""
        wanted = self._max_keys + 1
        entries: list[tuple[str, dict]] = []
        keys = _sorted_keys(self._name, self._bucket)
        for index in range(self._first(keys), len(keys)):
            key = keys[index]
            if not key.startswith(self._prefix) or len(entries) >= wanted:
                break
            entries += [(key, version) for version in self._versions(key)]
        return entries[:wanted]

    def _first(self, keys: list[str]) -> int:
        """Where the page starts: without a version marker behind the marked key, with one inside of it."""
        behind = bisect_left if self._version_marker else bisect_right
        return max(behind(keys, self._key_marker), bisect_left(keys, self._prefix))

    def _versions(self, key: str) -> list[dict]:
        """The key's versions from the newest to the oldest, from the version marker on."""
        history = s3._object_versions.get((self._name, key))
        if history:
            versions = list(reversed(history))
        else:
            current = self._bucket["objects"].get(key)
            versions = [{"is_latest": True, "version_id": "null", **current}] if current else []
        if not (self._version_marker and key == self._key_marker):
            return versions
        ids = [version["version_id"] for version in versions]
        # A marked version that is gone was deleted with all the newer ones the page listed before it.
        start = ids.index(self._version_marker) + 1 if self._version_marker in ids else 0
        return versions[start:]

    def _element(self, key: str, version: dict, owner: str) -> str:
        common = (
            f"<Key>{self._shown(key)}</Key><VersionId>{version['version_id']}</VersionId>"
            f"<IsLatest>{str(bool(version['is_latest'])).lower()}</IsLatest>"
            f"<LastModified>{version['last_modified']}</LastModified>"
        )
        if version.get("is_delete_marker"):
            return f"<DeleteMarker>{common}{owner}</DeleteMarker>"
        return (
            f"<Version>{common}<ETag>{escape(version['etag'])}</ETag><Size>{version['size']}</Size>"
            f"<StorageClass>{version.get('storage_class') or 'STANDARD'}</StorageClass>{owner}</Version>"
        )


def install_delete_limit(settings: Settings) -> None:
    """DeleteObjects takes at most 1,000 keys.

    AWS: MalformedXML for more.
    Emulator: any number.
    """
    stock_delete = s3._delete_objects

    def delete_objects(bucket_name, body, headers=None):
        if body.count(b"<Object>") > MAX_KEYS:
            return s3._error("MalformedXML", s3._MALFORMED_XML, 400)
        return stock_delete(bucket_name, body, headers)

    replace(s3, "_delete_objects", delete_objects)
