// Stands in for `@std/streams` where JSR is out of reach: what our tests use, same signatures.

/** Options of {@linkcode TextLineStream}. */
export interface TextLineStreamOptions {
  /** Not supported by the stand-in; must be left off. */
  allowCR?: false;
}

/** Reads a stream of strings or UTF-8 bytes to its end. */
export async function toText(stream: ReadableStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads a stream to its end and parses it as JSON. */
export async function toJson(stream: ReadableStream): Promise<unknown> {
  return JSON.parse(await toText(stream));
}

/** Cuts a stream of strings into lines, without their `\n` or `\r\n`. */
export class TextLineStream extends TransformStream<string, string> {
  constructor(_options: TextLineStreamOptions = {}) {
    let rest = "";
    super({
      transform(text, controller) {
        const lines = (rest + text).split(/\r?\n/);
        rest = lines.pop() ?? "";
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        if (rest !== "") controller.enqueue(rest);
      },
    });
  }
}
