const CHARACTERS_MAX = 500;

/** Control, format (bidi, zero-width, tags), private and unpaired characters, and separators that end a line. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

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

/**
 * Text that somebody else wrote, with every character that does not show escaped as `\u{…}`: it can neither move the
 * cursor nor turn the order of what stands beside it.
 */
export function escaped(text: string): string {
  return text.replaceAll(UNSEEN, (it) => `\\u{${(it.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Words of an agent or seller: {@link escaped}, so many characters at most, in quotation marks that they cannot close. */
export function quoted(text: string, charactersMax: number): string {
  const points = [...text];
  const capped = points.slice(0, charactersMax).join('').replaceAll(/["“”]/g, "'");
  return `“${escaped(capped)}${points.length > charactersMax ? '…' : ''}”`;
}
