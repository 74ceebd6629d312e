import { type KeyObject, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { Authorization } from '@countersign/contracts';
import { Fault, canonicalText, sha256Hex } from '@countersign/kernel';
import type { OwnerKeys, StatementKey, TypedData, WalletKeys } from '@countersign/ports';
import type { SignedSubmission } from './chain.ts';
import { ownerOf, rotationOf, signedByOwner } from './owners.ts';
import type { Weather } from './weather.ts';
import type { Wire } from './wire.ts';

/** A real ed25519 key from a seed. */
export class Ed25519 {
  readonly keyId: string;
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor(name: string) {
    const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
    const seed = Buffer.from(sha256Hex(`sim/${name}`), 'hex');
    this.#key = createPrivateKey({
      key: Buffer.concat([prefix, seed]),
      format: 'der',
      type: 'pkcs8',
    });
    this.keyId = `${name}-1`;
    this.publicKey = createPublicKey(this.#key).export({ format: 'jwk' }).x ?? '';
  }

  sign(text: string): string {
    return sign(null, Buffer.from(text), this.#key).toString('base64url');
  }
}

/** What a 32-byte digest stands for: one of the messages a wallet may sign. */
export type Meaning =
  | {
      readonly kind: 'transfer';
      readonly authorization: Omit<Authorization, 'value'> & { value: string };
    }
  | {
      readonly kind: 'cancellation';
      readonly chainId: number;
      readonly token: string;
      readonly from: string;
      readonly nonce: string;
    }
  | { readonly kind: 'rotation'; readonly account: string; readonly newOwner: string };

/** A signature at the moment it is made. */
export interface Signature {
  readonly wallet: string;
  readonly digest: string;
  readonly meaning: Meaning | undefined;
}

/**
 * Where wallet keys live, for all replicas. Signatures are not real, but as good as: they say who signed what, and the
 * chain takes no other. Whoever asks for one is watched.
 */
export class Vault {
  onSignature: (signature: Signature) => void = () => {};
  /** A key is about to be destroyed, for the first time. */
  onDestroyed: (wallet: string) => void = () => {};
  readonly #destroyed = new Set<string>();
  readonly #wallets = new Set<string>();
  readonly #owners = new Set<string>();
  readonly #meanings = new Map<string, Meaning>();

  readonly typedData: TypedData = {
    transferDigest: ({ value, ...authorization }, domain) =>
      this.#digest({
        kind: 'transfer',
        authorization: {
          ...authorization,
          value: String(value),
          chainId: domain.chainId,
          token: domain.verifyingContract,
        },
      }),
    cancellationDigest: ({ from, nonce }, { chainId, verifyingContract: token }) =>
      this.#digest({ kind: 'cancellation', chainId, token, from, nonce }),
  };

  /** The keys as one replica reaches them. */
  port(wire: Wire, weather: Weather): WalletKeys {
    const call = <T>(name: string, effect: () => T) =>
      wire.call({
        name,
        code: 'keys_unavailable',
        effect: () => {
          if (weather.strikes('keysOut'))
            throw new Fault('keys_unavailable', 'the keys are out of reach', { retryable: true });
          return effect();
        },
      });
    return {
      capabilities: { production: false },
      create: (wallet) =>
        call(`create ${wallet}`, () => {
          this.#wallets.add(wallet);
          return addressOf(wallet);
        }),
      address: (wallet) =>
        call(`address ${wallet}`, () =>
          this.#wallets.has(wallet) ? addressOf(wallet) : undefined,
        ),
      sign: (wallet, digest) => call(`sign ${wallet}`, () => this.#sign(wallet, digest)),
      revoke: (wallet) => call(`revoke ${wallet}`, () => this.#destroy(wallet)),
      close: () => Promise.resolve(),
    };
  }

  /** The keys of smart accounts as one replica reaches them: as good as real, like the others. */
  owners(wire: Wire, weather: Weather): OwnerKeys {
    const call = <T>(name: string, effect: () => T) =>
      wire.call({
        name,
        code: 'keys_unavailable',
        effect: () => {
          if (weather.strikes('keysOut'))
            throw new Fault('keys_unavailable', 'the keys are out of reach', { retryable: true });
          return effect();
        },
      });
    return {
      make: (wallet, version) =>
        call(`make ${wallet}@${version}`, () => {
          if (!this.#owners.has(`${wallet}@${version}`)) this.#insistOnKey(wallet);
          this.#owners.add(`${wallet}@${version}`);
          return ownerOf(wallet, version);
        }),
      publicKey: (wallet, version) =>
        call(`owner ${wallet}@${version}`, () =>
          this.#owners.has(`${wallet}@${version}`) ? ownerOf(wallet, version) : undefined,
        ),
      sign: (wallet, version, digest) =>
        call(`sign ${wallet}@${version}`, () => {
          this.#insistOnKey(wallet);
          const meaning = this.#meanings.get(digest);
          this.onSignature({ wallet, digest, meaning: meaning ?? rotationOf(digest) });
          return signedByOwner(ownerOf(wallet, version), digest);
        }),
      revoke: (wallet) => call(`revoke ${wallet}`, () => this.#destroy(wallet)),
      close: () => Promise.resolve(),
    };
  }

  /** Whether a wallet's key is gone. */
  isDestroyed(wallet: string): boolean {
    return this.#destroyed.has(wallet);
  }

  /** What a digest stands for, if it was made here. */
  meaningOf(digest: string): Meaning | undefined {
    return this.#meanings.get(digest);
  }

  /** Whether a submission carries the signature its payer's key made over exactly this message. */
  isGenuine(chainId: number, submission: SignedSubmission): boolean {
    return submission.signature === this.stolenSignature(chainId, submission);
  }

  /** What the payer's key makes of a message, for whoever has that key. Nobody here is told of it. */
  stolenSignature(chainId: number, submission: SignedSubmission): string {
    return signatureOf(submission.from, digestOfSubmission(chainId, submission));
  }

  #destroy(wallet: string): void {
    if (!this.#destroyed.has(wallet)) this.onDestroyed(wallet);
    this.#destroyed.add(wallet);
  }

  #insistOnKey(wallet: string): void {
    if (this.#destroyed.has(wallet))
      throw new Fault('wallet_revoked', `the key of ${wallet} is gone`, { retryable: false });
  }

  #sign(wallet: string, digest: string): string {
    this.#insistOnKey(wallet);
    if (!this.#wallets.has(wallet))
      throw new Fault('wallet_unknown', `no key of ${wallet}`, { retryable: false });
    this.onSignature({ wallet, digest, meaning: this.#meanings.get(digest) });
    return signatureOf(addressOf(wallet), digest);
  }

  #digest(meaning: Meaning): string {
    const digest = digestOf(meaning);
    this.#meanings.set(digest, meaning);
    return digest;
  }
}

/** The digest a submission's signature must be over. */
export function digestOfSubmission(chainId: number, submission: SignedSubmission): string {
  const { kind, token, from, nonce } = submission;
  const meaning: Meaning =
    kind === 'cancellation'
      ? { kind, chainId, token, from, nonce }
      : {
          kind,
          authorization: {
            chainId,
            token,
            from,
            to: submission.to,
            value: String(submission.value),
            nonce,
            validAfter: submission.validAfter,
            validBefore: submission.validBefore,
          },
        };
  return digestOf(meaning);
}

export function addressOf(wallet: string): string {
  return `0x${sha256Hex(`wallet/${wallet}`).slice(0, 40)}`;
}

function digestOf(meaning: Meaning): string {
  return `0x${sha256Hex(canonicalText(meaning))}`;
}

function signatureOf(address: string, digest: string): string {
  const text = sha256Hex(`${address}/${digest}`);
  return `0x${text}${text}1b`;
}

/** A service's statement key as one replica reaches it. */
export function statementKeyPort(key: Ed25519, wire: Wire, weather: Weather): StatementKey {
  const { keyId, publicKey } = key;
  return {
    // Replicas then believe their own records by another way than everybody else, and must agree all the same.
    capabilities: { inProcess: true },
    keyId,
    publicKey,
    sign: (text) =>
      wire.call({
        name: `statement by ${keyId}`,
        code: 'keys_unavailable',
        reads: true,
        effect: () => {
          if (weather.strikes('keysOut'))
            throw new Fault('keys_unavailable', 'the key is out of reach', { retryable: true });
          return key.sign(text);
        },
      }),
  };
}
