import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';

/** How a piece of text may look where there is colour. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Where the command writes and whom it can ask. */
export interface Terminal {
  /** Writes one line, or several, to standard output. */
  out(text: string): void;
  err(text: string): void;
  paint(style: Style, text: string): string;
  /** Asks and gives back what was typed. Absent where nobody sits in front of it. */
  readonly ask?: (question: string) => Promise<string>;
}

/** The terminal this process was started in. */
export function processTerminal(options: { readonly plain: boolean }): Terminal {
  const { stdin, stdout, stderr } = process;
  const colour = stdout.isTTY && !options.plain;
  const terminal: Terminal = {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  };
  if (!stdin.isTTY || !stdout.isTTY) return terminal;
  return {
    ...terminal,
    async ask(question) {
      using lines = closing(createInterface({ input: stdin, output: stdout }));
      return await lines.it.question(question);
    },
  };
}

function closing<T extends { close(): void }>(it: T) {
  return { it, [Symbol.dispose]: () => it.close() };
}
