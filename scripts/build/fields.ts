// What the npm packages say about themselves that is decided when the project is published, in one place.

/** Addresses of the project; empty until it has any. An empty one is left out of the package. */
export const ADDRESSES = {
  homepage: "",
  repository: "",
  bugs: "",
};

/** What people search for. */
export const KEYWORDS: readonly string[] = [
  "crash-safe",
  "durable",
  "event-sourcing",
  "journal",
  "persistence",
  "power-loss",
  "raspberry-pi",
  "snapshot",
  "state",
  "wal",
  "write-ahead-log",
];

/** Who answers for the Debian packages. */
export const MAINTAINER = "The ministate authors <ministate@localhost>";
