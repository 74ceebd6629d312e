import { type Hex, encodeFunctionData, pad, parseAbi, size, slice, toEventSelector } from 'viem';
import { Fault } from '@countersign/kernel';
import type { AuthorizationKey, SignedTransfer } from '@countersign/ports';

/** One list per overload: a name that means two functions cannot be encoded without telling which. */
const READ = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function balanceOf(address account) view returns (uint256)',
]);
const WITH_VRS = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
]);
const WITH_BYTES = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
]);

/** First topics of the events of an EIP-3009 token. */
export const TOPIC = {
  used: toEventSelector('AuthorizationUsed(address,bytes32)'),
  canceled: toEventSelector('AuthorizationCanceled(address,bytes32)'),
  transfer: toEventSelector('Transfer(address,address,uint256)'),
} as const;

/** An address as logs and calls carry it: 32 bytes. */
export function wordOf(address: string): Hex {
  return pad(address.toLowerCase() as Hex, { size: 32 });
}

/** The address in a word. */
export function addressIn(word: string): string {
  return `0x${word.slice(-40)}`;
}

export function encodeStateCall({ from, nonce }: AuthorizationKey): Hex {
  const args = [lower(from), lower(nonce)] as const;
  return encodeFunctionData({ abi: READ, functionName: 'authorizationState', args });
}

export function encodeBalanceCall(address: string): Hex {
  return encodeFunctionData({ abi: READ, functionName: 'balanceOf', args: [lower(address)] });
}

/**
 * The call that submits a transfer. A key's signature of 65 bytes goes as v, r, s, which every EIP-3009 token takes;
 * anything else is a contract's and goes as bytes, which USDC has taken since its version 2.2.
 *
 * @throws Fault `signature_malformed`, not retryable.
 */
export function encodeTransfer(transfer: SignedTransfer): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = transfer;
  const terms = [
    lower(from),
    lower(to),
    value,
    BigInt(validAfter),
    BigInt(validBefore),
    lower(nonce),
  ] as const;
  const signature = signatureIn(transfer);
  const functionName = 'transferWithAuthorization';
  return isOfKey(signature)
    ? encodeFunctionData({ abi: WITH_VRS, functionName, args: [...terms, ...vrsOf(signature)] })
    : encodeFunctionData({ abi: WITH_BYTES, functionName, args: [...terms, signature] });
}

/** The call that submits a cancellation, as {@link encodeTransfer}. */
export function encodeCancellation(key: AuthorizationKey & { readonly signature: string }): Hex {
  const terms = [lower(key.from), lower(key.nonce)] as const;
  const signature = signatureIn(key);
  const functionName = 'cancelAuthorization';
  return isOfKey(signature)
    ? encodeFunctionData({ abi: WITH_VRS, functionName, args: [...terms, ...vrsOf(signature)] })
    : encodeFunctionData({ abi: WITH_BYTES, functionName, args: [...terms, signature] });
}

function signatureIn({ signature }: { readonly signature: string }): Hex {
  if (/^0x(?:[0-9a-f]{2})+$/i.test(signature)) return lower(signature);
  throw new Fault('signature_malformed', 'a signature is bytes in hex', { retryable: false });
}

function isOfKey(signature: Hex): boolean {
  return size(signature) === 65;
}

function vrsOf(signature: Hex): readonly [number, Hex, Hex] {
  return [Number(slice(signature, 64)), slice(signature, 0, 32), slice(signature, 32, 64)];
}

function lower(hex: string): Hex {
  return hex.toLowerCase() as Hex;
}
