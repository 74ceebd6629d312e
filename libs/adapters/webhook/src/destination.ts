import { lookup as resolveName } from 'node:dns/promises';
import { type LookupFunction, isIP } from 'node:net';
import { Fault } from '@countersign/kernel';
import { isLocalAddress, isPublicAddress } from './addresses.ts';

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** Where notifications go: a URL whose host is looked up, and looked at, for each one. */
export interface Destination {
  readonly url: URL;
  /**
   * Resolves the host and pins the connection to what it found, so that a name which means something else a moment
   * later leads nowhere. One address inside among many is reason enough to refuse them all.
   *
   * @throws Fault `notification_not_accepted`.
   */
  pinned(): Promise<LookupFunction>;
}

export interface DestinationOptions {
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly resolve?: Resolve;
}

/**
 * Takes a URL apart, once. Its path may hold a secret, so no message names more than the host.
 *
 * @throws Fault `webhook_url_refused`, not retryable.
 */
export function destinationOf(options: DestinationOptions): Destination {
  const { allowPrivate, resolve = systemResolve } = options;
  const url = URL.canParse(options.url) ? new URL(options.url) : refuse('is none');
  const plain = url.protocol === 'http:' && allowPrivate;
  if (url.protocol !== 'https:' && !plain) refuse('must be https');
  if (url.username !== '' || url.password !== '') refuse('must hold no credential');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const allowed = (address: string) =>
    isPublicAddress(address) || (allowPrivate && isLocalAddress(address));
  if (isIP(host) !== 0 && !allowed(host)) refuse(`leads inside: ${host}`);
  return {
    url,
    async pinned() {
      const addresses = isIP(host) === 0 ? await addressesOf(host, resolve) : [host];
      if (addresses.length > 0 && addresses.every(allowed)) return lookupOf(addresses);
      throw new Fault('notification_not_accepted', `${host} does not lead outside`, {
        retryable: false,
      });
    },
  };
}

async function addressesOf(host: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (cause) {
    throw new Fault('notification_not_accepted', `${host} has no address`, {
      retryable: true,
      cause,
    });
  }
}

async function systemResolve(hostname: string): Promise<readonly string[]> {
  return (await resolveName(hostname, { all: true })).map(({ address }) => address);
}

/** Answers with the addresses that were looked at, whatever the name means by now. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, callback) => {
    if (all) callback(null, found);
    else callback(null, found[0]?.address ?? '', found[0]?.family);
  };
}

function refuse(why: string): never {
  throw new Fault('webhook_url_refused', `the URL of the webhook ${why}`, { retryable: false });
}
