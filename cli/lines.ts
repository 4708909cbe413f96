/**
 * Cuts a stream of bytes into lines, with bounded memory whatever comes in.
 *
 * @module
 */

/** One line of input. */
export interface InputLine {
  /** 1 for the first. */
  number: number;
  /** Its text without the line's end; empty when it has a flaw. */
  text: string;
  /** Its size in bytes. */
  size: number;
  /** Why it can't be used; `null` when it can. */
  flaw: string | null;
}

const LINE_FEED = 0x0a;

/** Gives the lines of each piece of input, in order; the last may lack its line feed. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  sizeMax: number,
): AsyncGenerator<InputLine[], void, void> {
  const splitter = new Splitter(sizeMax);
  for await (const chunk of chunks) {
    const lines = splitter.add(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last !== null) yield [last];
}

class Splitter {
  readonly #sizeMax: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: Uint8Array[] = [];
  #size = 0;
  #number = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  add(chunk: Uint8Array): InputLine[] {
    const lines: InputLine[] = [];
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) >= 0; start = end + 1) {
      this.#keep(chunk.subarray(start, end));
      lines.push(this.#line());
    }
    // A copy: the runtime may use the chunk's memory again for the next one.
    if (start < chunk.length) this.#keep(chunk.slice(start));
    return lines;
  }

  end(): InputLine | null {
    return this.#size === 0 ? null : this.#line();
  }

  #keep(part: Uint8Array): void {
    this.#size += part.length;
    // An endless line is counted, not kept.
    if (this.#size > this.#sizeMax) this.#parts = [];
    else this.#parts.push(part);
  }

  #line(): InputLine {
    const parts = this.#parts;
    const size = this.#size;
    this.#parts = [];
    this.#size = 0;
    this.#number++;
    const line: InputLine = { number: this.#number, text: "", size, flaw: null };
    if (size > this.#sizeMax) {
      line.flaw = `it is ${size} bytes long, and ${this.#sizeMax} are allowed`;
      return line;
    }
    try {
      line.text = this.#decoder.decode(parts.length === 1 ? parts[0] : join(parts, size));
    } catch {
      line.flaw = "it is not UTF-8";
    }
    return line;
  }
}

function join(parts: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
