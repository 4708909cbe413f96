/**
 * The version that `--version` prints. A test compares it with the package's version.
 *
 * @module
 */

/** The package's version. */
export const VERSION = "0.1.0";
