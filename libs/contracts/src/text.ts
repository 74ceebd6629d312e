import { isAtomicText } from '@countersign/kernel';
import { z } from 'zod';

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Name of a tenant, agent, person, seller, wallet, task or service: lower case, at most 64 characters. */
export const Name = z.string().regex(NAME, 'lower-case letters, digits, "-" and "_", at most 64');
/** Whether it is a {@link Name}; for every decision, which has no time for a schema. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** A task's name. Facts say `none` and `unknown` in place of one, so that no task is opened under these. */
export const TaskName = z
  .string()
  .regex(
    /^(?!(?:none|unknown)$)[a-z0-9][a-z0-9_-]{0,63}$/,
    'lower-case letters, digits, "-" and "_", at most 64; not "none" or "unknown", which mean something in policies',
  );

/** What facts say in place of the name of a session; no session is called so. */
export const SessionState = z.enum(['none', 'unknown', 'expired', 'closed']);
/** A session's name. */
export const SessionName = z
  .string()
  .regex(
    /^(?!(?:none|unknown|expired|closed)$)[a-z0-9][a-z0-9_-]{0,63}$/,
    'lower-case letters, digits, "-" and "_", at most 64; not "none", "unknown", "expired" or "closed"',
  );

/** `pay_<lane>_<32 hex digits>`: a payment's id, which is also its intent's id and carries its lane. */
export const PaymentId = z.string().regex(/^pay_[0-9]{1,4}_[0-9a-f]{32}$/, 'a payment id');

/** An agent's own name for one of its messages, such as a UUID. */
export const MessageId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'letters, digits and "._:-", at most 128');

/** SHA-256 as 64 lower-case hex digits. */
export const DigestHex = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits');

/** A non-negative integer in an asset's smallest unit, as decimal digits, at most 2^256−1. */
export const Atomic = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,77})$/, {
    error: 'atomic units: decimal digits only, no sign, point, exponent or leading 0',
    abort: true,
  })
  .refine(isAtomicText, 'atomic units: at most 2^256-1');

/** An EVM address in lower case: one spelling in records, so that equality is string equality. */
export const Address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, '0x and 40 hex digits')
  .transform((text) => text.toLowerCase());

/** A host name as URLs have it. */
export const HostName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/, 'a host name in punycode, with a port if any');

/** CAIP-2 id of an EVM chain, such as `eip155:84532`. */
export const Network = z
  .string()
  .regex(/^eip155:[1-9][0-9]{0,15}$/, 'a CAIP-2 id like eip155:8453');

/** 32 bytes as 0x and 64 hex digits. */
export const Bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/, '0x and 64 lower-case hex digits');

/** Unix time in milliseconds. */
export const TimeMs = z.int().nonnegative();

/**
 * A place of the IANA time zone database, such as `Europe/Berlin` or `UTC`. Whether it exists is asked where a policy is
 * put, not where it is read: databases change, and what was recorded must stay readable.
 */
export const TimeZone = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/, 'a time zone such as "Europe/Berlin"')
  .max(64);

/** A stable lower_snake code. */
export const Code = z.string().regex(/^[a-z][a-z0-9_]{1,63}$/);

/** What stands in hashed bytes instead of free text or personal data; value and salt lie beside, and can be erased. */
export const Commitment = z.strictObject({ commitment: DigestHex });
export type Commitment = z.infer<typeof Commitment>;

/** A whole number in a query, where everything is text: decimal digits alone, and so no empty text, sign or exponent. */
export function digits<T extends z.ZodType>(schema: T) {
  const numberOf = (text: unknown) =>
    typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : text;
  return z.preprocess(numberOf, schema);
}

/**
 * 64 bytes. The bits that the last digit has too many are zero: the same signature in other digits would be another
 * record.
 */
export const Ed25519Signature = z
  .string()
  .regex(/^[A-Za-z0-9_-]{85}[AQgw]$/, 'an ed25519 signature in base64url');

/** An ed25519 or X25519 key, 32 bytes. */
export const PublicKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'a public key, 32 bytes in base64url');

/** An ed25519 signature over the statement it stands in (see `statementText`), or over several at once. */
export const StatementSignature = z.strictObject({
  keyId: z.string().min(1).max(128),
  value: Ed25519Signature,
  /** Where several were signed as one: what leads from this statement to what was signed (see `joinedText`). */
  path: z.array(DigestHex).min(1).max(8).optional(),
});
export type StatementSignature = z.infer<typeof StatementSignature>;

/** A block as evidence names it. */
export const Block = z.strictObject({
  number: z.int().nonnegative(),
  hash: Bytes32,
  timeMs: TimeMs,
});
