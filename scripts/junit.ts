// Reads the JUnit reports of the three test runners into one list of tests, each counted once.

/** One test of a report. */
export interface TestResult {
  /** Enclosing groups and the test's own name. */
  name: string;
  result: "passed" | "failed" | "skipped";
  /** What the runner says about a failure. */
  detail: string;
}

const attributes = String.raw`((?:\s+[\w:-]+="[^"]*")*)\s*`;
const tag = new RegExp(
  String
    .raw`<testsuite${attributes}>|</testsuite>|<testcase${attributes}(?:/>|>([^]*?)</testcase>)`,
  "g",
);

/** Lists the tests of a report. */
export function parseJunit(xml: string): TestResult[] {
  const groups: string[] = [];
  const found: TestResult[] = [];
  for (const [text, suite, testcase, body = ""] of xml.matchAll(tag)) {
    if (text === "</testsuite>") groups.pop();
    else if (suite !== undefined) groups.push(attribute(suite, "name"));
    else found.push(toResult(groups, testcase ?? "", body));
  }
  return found;
}

function toResult(groups: string[], testcase: string, body: string): TestResult {
  const name = [...groups, attribute(testcase, "name")].join(" > ");
  const failure = body.match(/<(failure|error)\b[^]*/)?.[0];
  if (failure !== undefined) return { name, result: "failed", detail: detailOf(failure) };
  return { name, result: body.includes("<skipped") ? "skipped" : "passed", detail: "" };
}

/**
 * Takes the groups out of Deno's report, which lists them as tests beside the tests inside them.
 *
 * Deno names another file for a group than for its tests, so only the names can be compared. A flat test
 * named like a group elsewhere is not counted as passed; a failure is never lost.
 */
export function withoutGroups(tests: TestResult[]): TestResult[] {
  const groups = new Set<string>();
  for (const test of tests) {
    const parts = withoutFile(test.name).split(" > ");
    for (let count = 1; count < parts.length; count++) {
      groups.add(parts.slice(0, count).join(" > "));
    }
  }
  return tests.filter((test) =>
    test.result === "failed"
      ? !/^\d+ test steps? failed/.test(test.detail)
      : !groups.has(withoutFile(test.name))
  );
}

function withoutFile(name: string): string {
  return name.slice(name.indexOf(" > ") + " > ".length);
}

function detailOf(failure: string): string {
  const opening = failure.match(new RegExp(`^<\\w+${attributes}/?>`));
  const text = failure.slice(opening?.[0].length ?? 0).replace(/<\/(failure|error)>[^]*$/, "");
  return unescape(text.trim() || attribute(opening?.[1] ?? "", "message"));
}

function attribute(text: string, name: string): string {
  return unescape(text.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? "");
}

function unescape(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    return entities[name] ?? whole;
  });
}
