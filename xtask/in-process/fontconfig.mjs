import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Lets Chromium see the fonts that @sparticuz/chromium unpacks, and no others.
 *
 * The package unpacks them into the temp folder, yet its own fonts.conf names
 * /tmp/fonts. Where TMPDIR is any other folder Chromium is left without a single
 * font, and then drops web fonts too, at random and without an error.
 */
export function useUnpackedFonts() {
  const directory = join(tmpdir(), "fontconfig");
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "fonts.conf"),
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(tmpdir(), "fonts")}</dir>
  <cachedir>${join(directory, "cache")}</cachedir>
</fontconfig>
`,
  );
  process.env.FONTCONFIG_PATH = directory;
}
