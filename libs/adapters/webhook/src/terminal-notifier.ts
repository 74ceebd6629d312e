import type { Notifier } from '@countersign/ports';

const QUOTED_MAX = 500;

/** Text from outside with control, bidirectional and zero-width characters made visible, and cut to a length. */
export function visible(text: string): string {
  const shown = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `<U+${code}>`;
  });
  return shown.length > QUOTED_MAX ? `${shown.slice(0, QUOTED_MAX)} … (cut)` : shown;
}

/** Tells whoever watches the terminal. */
export function terminalNotifier(write: (text: string) => void): Notifier {
  return {
    notify({ title, facts, quoted, link }) {
      const lines = [
        `\n▲ ${visible(title)}`,
        ...facts.map(({ name, value }) => `  ${name}: ${visible(value)}`),
        ...(quoted === undefined ? [] : [`  the agent says: "${visible(quoted)}"`]),
        ...(link === undefined ? [] : [`  ${link}`]),
      ];
      write(`${lines.join('\n')}\n`);
      return Promise.resolve();
    },
  };
}
