import { MESSAGE_AGE_MAX_MS, MESSAGE_AHEAD_MAX_MS, MessageId } from '@countersign/contracts';

/** Who a message says that it comes from, and what it holds; nothing of it is proven. */
export interface Claim {
  readonly json: unknown;
  readonly tenant: string;
  readonly agent: string;
}

/** Reads no more than is needed to know whose key to ask; null where nobody is named. */
export function claimOf(bytes: Uint8Array): Claim | null {
  const json = jsonOf(bytes);
  const source = fieldOf(json, 'source');
  const [, tenant, agent] = /^agent\/([a-z0-9_-]+)\/([a-z0-9_-]+)$/.exec(source) ?? [];
  if (tenant === undefined || agent === undefined) return null;
  return { json, tenant, agent };
}

/** The parsed text; undefined where it is no JSON in UTF-8. */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** The message's id where it has a proper one, so that even a broken message is answered by its name. */
export function messageIdOf(json: unknown): string | null {
  const id = MessageId.safeParse(fieldOf(json, 'id'));
  return id.success ? id.data : null;
}

/**
 * `old` may find what it began before, and begin nothing: a quote of then is none of now, and whoever can write to the
 * topic can write a genuine message again. `ahead` counts for nothing: it would stay fresh for too long.
 */
export function freshness(time: string, nowMs: number): 'fresh' | 'old' | 'ahead' {
  const atMs = Date.parse(time);
  if (atMs > nowMs + MESSAGE_AHEAD_MAX_MS) return 'ahead';
  return atMs >= nowMs - MESSAGE_AGE_MAX_MS ? 'fresh' : 'old';
}

function fieldOf(json: unknown, name: string): string {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, name)) return '';
  const value = (json as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}
