import { randomBytes } from 'node:crypto';
import type { Commitment } from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import { z } from 'zod';
import { unrecordableAt } from './http/unrecordable.ts';

/** A committed value and the salt that opens it, kept beside the record so that both can be erased. */
export interface Opening {
  readonly value: string;
  readonly salt: string;
}

/** Commits to free text or personal data: the record keeps the commitment for ever, the opening can be erased. */
export function commit(value: string): { commitment: Commitment; opening: Opening } {
  const opening = { value, salt: randomBytes(16).toString('hex') };
  return { commitment: commitmentOf(opening), opening };
}

export function commitmentOf(opening: Opening): Commitment {
  const { salt, value } = opening;
  return { commitment: digestOf('countersign/commitment/1', { salt, value }) };
}

/** Openings of one record by field, as stored beside it. */
export function encodeOpenings(openings: Readonly<Record<string, Opening>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(openings));
}

const Openings = z.record(z.string(), z.object({ value: z.string(), salt: z.string() }));

/**
 * What was stored beside a record. It is in no digest and anybody who writes to the log may have put it there: what does
 * not read as openings opens nothing, and must stop nobody who reads the log.
 */
function decodeOpenings(openings: Uint8Array): Readonly<Record<string, Opening>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(openings));
  } catch {
    return {};
  }
  const { data } = Openings.safeParse(value);
  return data && !unrecordableAt(data) ? data : {};
}

/** Reads stored openings; a field whose opening does not match its commitment is left out. */
export function openedValue(
  openings: Uint8Array | undefined,
  field: string,
  commitment: Commitment | undefined,
): string | undefined {
  if (!openings || !commitment) return undefined;
  const { [field]: opening } = decodeOpenings(openings);
  if (!opening) return undefined;
  return commitmentOf(opening).commitment === commitment.commitment ? opening.value : undefined;
}

/** What a record's stored openings open: each with its field, left out where it does not match the data's commitment. */
export function openingsOf(
  openings: Uint8Array | undefined,
  data: object,
): readonly (Opening & { readonly field: string })[] {
  if (!openings) return [];
  const commitments = new Map(Object.entries(data as Readonly<Record<string, unknown>>));
  return Object.entries(decodeOpenings(openings)).flatMap(([field, { value, salt }]) => {
    const said = commitments.get(field) as Commitment | undefined;
    const fits = said?.commitment === commitmentOf({ value, salt }).commitment;
    return fits ? [{ field, value, salt }] : [];
  });
}
