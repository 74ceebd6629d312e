const CHARACTERS_MAX = 500;

/**
 * Controls, bidirectional and invisible characters, halves of a character, private ones, separators of lines, and a
 * blank that counts as a symbol: what makes a person read another text than is there.
 */
const HIDDEN = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]/gu;

/** Text from outside with everything unseen made visible, and cut to 500 characters. Doing it twice changes nothing. */
export function visible(text: string): string {
  // No character is longer than two units, so this holds more than what is shown.
  const part = text.slice(0, 2 * (CHARACTERS_MAX + 1));
  const shown = part.replaceAll(HIDDEN, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `<U+${code}>`;
  });
  const characters = [...shown];
  if (characters.length <= CHARACTERS_MAX) return shown;
  return `${characters.slice(0, CHARACTERS_MAX).join('')} … (cut)`;
}
