/**
 * Splits a stream of bytes into lines, with bounded memory whatever the input.
 *
 * @module
 */

/** One line of input. */
export interface InputLine {
  /** The line's number, starting with 1. */
  number: number;
  /** Its text without the line ending; empty if it has a flaw. */
  text: string;
  /** Its size in bytes. */
  size: number;
  /** Why it can't be used; `null` if it can. */
  flaw: string | null;
}

const LINE_FEED = 0x0a;

/** Yields the lines of each piece of input, in order. The last line may lack its line feed. */
export async function* readInputLines(
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
    // A copy: the runtime may reuse the chunk's memory for the next one.
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
    const number = this.#number;
    if (size > this.#sizeMax) {
      const flaw = `it is ${size} bytes long, and ${this.#sizeMax} are allowed`;
      return { number, text: "", size, flaw };
    }
    try {
      const text = this.#decoder.decode(parts.length === 1 ? parts[0] : join(parts, size));
      return { number, text, size, flaw: null };
    } catch {
      return { number, text: "", size, flaw: "it is not UTF-8" };
    }
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
