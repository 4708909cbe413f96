// Says "ready", then the name of the signal that interrupts it, and runs until it is killed.

import { processTerminal } from "../../../cli/process/terminal.ts";

const signal = processTerminal().interruption();
signal.addEventListener("abort", () => console.log(signal.reason));
// Nothing else keeps it alive.
setInterval(() => {}, 60_000);
console.log("ready");
