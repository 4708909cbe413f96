// Tests which traced runs pass: a rule that was never exercised proves nothing.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { judgeFindings, SYSTEM_CALL_PLANS } from "../../../scripts/rig/syscalls.ts";
import type { TraceFindings, Violation } from "../../../scripts/rig/trace_rules.ts";

const NAME: Violation = { rule: "name", path: "/t/data/state", line: 9 };

function findings(changes: Partial<TraceFindings>): TraceFindings {
  return { acknowledged: 150, removals: 0, violations: [], ...changes };
}

function judge(subject: string, changes: Partial<TraceFindings>, complaint = "") {
  const plan = SYSTEM_CALL_PLANS.find((plan) => plan.subject === subject)!;
  const { expected, asExpected, detail } = judgeFindings(plan, findings(changes), complaint);
  return [expected, asExpected, detail];
}

test("judgeFindings() passes the library when it broke no rule, and a control when it broke its own", () => {
  assertEquals(judge("sequential", {}), ["clean", true, "every rule kept"]);
  const shown = 'name: "state" at line 9 of the trace';
  assertEquals(judge("no-directory-sync", { violations: [NAME] }), ["caught", true, shown]);
});

test("judgeFindings() fails a run that broke other rules than expected", () => {
  const shown = '(name: "state" at line 9 of the trace)';
  assertEquals(judge("sequential", { violations: [NAME] }), [
    "clean",
    false,
    `broke name, not none ${shown}`,
  ]);
  assertEquals(judge("no-directory-sync", {}), ["caught", false, "broke no rule, not name"]);
});

test("judgeFindings() fails a run that did too little", () => {
  const little = judge("sequential", { acknowledged: 3 }, "strace: ptrace is not allowed\n");
  assertEquals(little, ["clean", false, "only 3 acknowledged: strace: ptrace is not allowed"]);
  assertEquals(judge("compacting", {})[1], false);
  assertEquals(judge("compacting", { removals: 1 })[1], true);
});
