/**
 * Names the operating system that the program runs on.
 *
 * @module
 */

/** `"linux"`, `"darwin"` (macOS), `"windows"`, or another name that the runtime has for it. */
export function operatingSystem(): string {
  const { Deno, process } = globalThis as {
    Deno?: { build: { os: string } };
    process?: { platform: string };
  };
  const name = Deno?.build.os ?? process?.platform ?? "";
  return name === "win32" ? "windows" : name;
}
