import { canonicalText, sha256Hex } from '@countersign/kernel';
import type { SmartAccounts } from '@countersign/ports';

/** A version of a wallet's owner key, as if it were one. */
export function ownerOf(wallet: string, version: number): string {
  return `0x${sha256Hex(`owner/${wallet}/${version}/x`)}${sha256Hex(`owner/${wallet}/${version}/y`)}`;
}

export function signedByOwner(owner: string, digest: string): string {
  return `0x${sha256Hex(`${owner}/${digest}`)}${sha256Hex(digest)}`;
}

export function isOwners(owner: string, digest: string, signature: string): boolean {
  return signature === signedByOwner(owner, digest);
}

const rotations = new Map<string, { account: string; newOwner: string }>();

/** What the accounts' code comes to here. */
export const ACCOUNTS: SmartAccounts = {
  address: (firstOwner) => `0x${sha256Hex(`account/${firstOwner}`).slice(0, 40)}`,
  rotationDigest(rotation) {
    const { account, chainId, newOwner, rotation: number } = rotation;
    const digest = `0x${sha256Hex(canonicalText({ account, chainId, newOwner, number }))}`;
    rotations.set(digest, { account, newOwner });
    return digest;
  },
};

/** The handing over that a digest stands for, if it stands for one. */
export function rotationOf(digest: string) {
  const found = rotations.get(digest);
  return found && ({ kind: 'rotation', ...found } as const);
}
