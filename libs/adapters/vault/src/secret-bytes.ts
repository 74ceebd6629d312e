import { invariant } from '@countersign/kernel';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]));
const QUOTE = 0x22;

/**
 * The plaintext of a transit answer, taken out of its bytes: a string could not be wiped afterwards. The answer is
 * wiped here. What the HTTP client copied on its way is out of reach.
 */
export function takePlaintext(answer: Uint8Array): Uint8Array {
  try {
    return decoded(fieldOf(answer, 'plaintext'));
  } finally {
    answer.fill(0);
  }
}

/** The letters of a text field without escapes, where they stand in an answer: nothing is copied. */
export function fieldOf(answer: Uint8Array, name: string): Uint8Array {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const label = `"${name}":"`;
  const from = bytes.indexOf(label);
  const to = from < 0 ? -1 : bytes.indexOf(QUOTE, from + label.length);
  invariant(to > 0, `a transit answer without ${name}`);
  return bytes.subarray(from + label.length, to);
}

/** Standard base64 with padding (RFC 4648, section 4), from letters as bytes. */
function decoded(letters: Uint8Array): Uint8Array {
  const padding = letters.filter((letter) => letter === 0x3d).length;
  const result = new Uint8Array((letters.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let written = 0;
  for (const letter of letters.subarray(0, letters.length - padding)) {
    const value = VALUES.get(letter);
    invariant(value !== undefined, 'a plaintext that is not base64');
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    result[written] = (held >> bits) & 0xff;
    written += 1;
  }
  return result;
}
