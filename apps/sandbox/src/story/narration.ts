import { styleText } from 'node:util';

const wide = process.stdout.isTTY === true;
const paint = (format: Parameters<typeof styleText>[0], text: string) =>
  wide ? styleText(format, text) : text;

/** Says the story line by line, and keeps account of what did not end as it should. */
export class Narration {
  readonly #startedAtMs = performance.now();
  readonly failures: string[] = [];

  /** What is being set up; on a terminal the elapsed seconds lead each line. */
  doing(text: string): void {
    this.#line(paint('gray', `${this.#elapsed()}  … ${text}`));
  }

  title(text: string): void {
    this.#line(`\n${paint('bold', text)}`);
  }

  /**
   * One event of the story with its why.
   *
   * @param holds what chain and log say of it.
   */
  line(holds: boolean, what: string, why: string): void {
    const mark = holds ? paint('green', '✓') : paint('red', '✗');
    this.#line(
      `${paint('gray', this.#elapsed())}  ${mark} ${what}\n             ${paint('gray', why)}`,
    );
    if (!holds) this.failures.push(what);
  }

  plain(text: string): void {
    this.#line(text);
  }

  /** Rows side by side; the first is the heading. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) =>
      Math.max(...rows.map((row) => row[column]?.length ?? 0)),
    );
    rows.forEach((row, index) => {
      const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ');
      this.#line(`         ${index === 0 ? paint('bold', cells) : cells}`.trimEnd());
    });
  }

  elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  #elapsed(): string {
    return `${(this.elapsedMs() / 1000).toFixed(1).padStart(6)} s`;
  }

  #line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}
