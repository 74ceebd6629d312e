import type { TrustedKeys } from './statements.ts';

/** The form of {@link readPin}. */
export const PIN =
  /^(?<service>[a-z]+)=(?<publicKey>[A-Za-z0-9_-]{43})(?:@(?<until>[0-9]{1,15}))?$/;

/** A key that somebody wrote down as one to believe. */
export interface Pin {
  readonly service: string;
  /** ed25519, 32 bytes in base64url. */
  readonly publicKey: string;
  /** Its end, in Unix milliseconds. */
  readonly untilMs?: number | undefined;
}

/** `policy=<public key>`, with `@<Unix ms>` behind it where the key has an end; undefined for any other text. */
export function readPin(text: string): Pin | undefined {
  const { service, publicKey, until } = PIN.exec(text)?.groups ?? {};
  if (service === undefined || publicKey === undefined) return undefined;
  return { service, publicKey, ...(until !== undefined && { untilMs: Number(until) }) };
}

/** The text that {@link readPin} reads. */
export function pinText({ service, publicKey, untilMs }: Pin): string {
  return `${service}=${publicKey}${untilMs === undefined ? '' : `@${untilMs}`}`;
}

/** The pinned keys by the id that records name them with. */
export function trustedBy(pins: readonly Pin[]): TrustedKeys {
  return new Map(
    pins.map(({ service, publicKey, untilMs }) => [
      `${service}-${publicKey.slice(0, 12)}`,
      { service, publicKey, ...(untilMs !== undefined && { untilMs }) },
    ]),
  );
}
