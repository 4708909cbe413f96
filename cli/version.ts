/**
 * The version that `--version` prints; a test compares it with the package's.
 *
 * @module
 */

/** The package's version. */
export const VERSION = "0.1.0";
