/** Largest amount a budget may count, in the smallest unit of its unit of account: Redis scripts hold doubles. */
export const COUNTABLE_MAX = 2n ** 53n - 1n;

/** Largest value an EIP-3009 authorization can carry (uint256). */
export const UINT256_MAX = 2n ** 256n - 1n;

const ATOMIC = /^(?:0|[1-9][0-9]{0,77})$/;
/** Digits of {@link UINT256_MAX}: of fewer, no number is larger. */
const UINT256_DIGITS = 78;
const ZERO = 48;
const DECIMAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/** Whether `text` is a non-negative integer without sign, leading zero, exponent or separator, at most 2^256−1. */
export function isAtomicText(text: string): boolean {
  return ATOMIC.test(text) && (text.length < UINT256_DIGITS || BigInt(text) <= UINT256_MAX);
}

/**
 * Reads a decimal such as `0.02` as atomic units of an asset with `decimals` places.
 *
 * @returns undefined when the text is no plain decimal or has more places than the asset: nothing is rounded.
 */
export function fromDecimal(text: string, decimals: number): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const fraction = match[2] ?? '';
  if (fraction.length > decimals) return undefined;
  return BigInt((match[1] ?? '') + fraction.padEnd(decimals, '0'));
}

/** Writes atomic units as a decimal with at least two places, for people: `20000` with 6 decimals is `0.02`. */
export function toDecimal(atomic: bigint, decimals: number): string {
  if (atomic < 0n) return `-${decimalOf((-atomic).toString(), decimals)}`;
  return decimalOf(atomic.toString(), decimals);
}

/** The same for a number that is written as decimal digits already. */
export function decimalOf(atomic: string, decimals: number): string {
  if (decimals === 0) return atomic;
  const digits = atomic.length > decimals ? atomic : atomic.padStart(decimals + 1, '0');
  const whole = digits.length - decimals;
  const shortest = whole + Math.min(2, decimals);
  let end = digits.length;
  while (end > shortest && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return `${digits.slice(0, whole)}.${digits.slice(whole, end)}`;
}

/** Converts between two scales at par, rounding up so that a budget never counts less than was spent. */
export function rescaleUp(atomic: bigint, fromDecimals: number, toDecimals: number): bigint {
  if (toDecimals === fromDecimals) return atomic;
  if (toDecimals > fromDecimals) return atomic * 10n ** BigInt(toDecimals - fromDecimals);
  const divisor = 10n ** BigInt(fromDecimals - toDecimals);
  return (atomic + divisor - 1n) / divisor;
}
