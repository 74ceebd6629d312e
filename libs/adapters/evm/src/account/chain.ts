import { Fault } from '@countersign/kernel';
import type { AccountChain } from '@countersign/ports';
import type { GasAccount } from '../gas-account.ts';
import {
  type Node,
  atBlock,
  blockCall,
  blockIn,
  codeCall,
  requireSame,
  viewCall,
} from '../node.ts';
import { toBytes, toNumber } from '../wire.ts';
import {
  ACCOUNT_CODE,
  DEPLOYER,
  OWNER_CALL,
  ROTATIONS_CALL,
  encodeDeployment,
  encodeRotation,
} from './account.ts';

const P256VERIFY = '0x0000000000000000000000000000000000000100';
/** A digest, a signature and a key that belong together: the sample of RFC 6979, A.2.5, with the lower s. */
const GENUINE =
  '0xaf2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf' +
  'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
  '0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9' +
  '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
  '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
const YES = `0x${'0'.repeat(63)}1`;

export interface AccountChainParts {
  readonly node: Node;
  readonly gas: GasAccount;
  readonly deadline: () => AbortSignal;
}

/** Accounts over JSON-RPC, each reading of one block by its hash. */
export function accountChain({ node, gas, deadline }: AccountChainParts): AccountChain {
  return {
    async read(address, tag) {
      const signal = deadline();
      const [head] = await node.ask([blockCall(tag)], signal);
      const at = blockIn(head);
      const on = atBlock(at);
      const [code, verdict, again] = await node.ask(
        [codeCall(address, on), viewCall(P256VERIFY, GENUINE, on), blockCall(at.number)],
        signal,
      );
      requireSame(again, at);
      if (toBytes(verdict) !== YES)
        throw new Fault('p256_missing', 'this chain does not verify P-256 signatures', {
          retryable: true,
        });
      const bytes = toBytes(code);
      if (bytes === '0x') return { at, account: null };
      if (bytes !== ACCOUNT_CODE)
        throw new Fault('foreign_code', `the code at ${address} is not that of our account`, {
          retryable: true,
        });
      const [owner, rotations] = await node.ask(
        [viewCall(address, OWNER_CALL, on), viewCall(address, ROTATIONS_CALL, on)],
        signal,
      );
      return { at, account: { owner: toBytes(owner, 64), rotations: wordNumber(rotations) } };
    },
    deploy: async (firstOwner) => gas.submit(DEPLOYER, encodeDeployment(firstOwner)),
    rotate: async (rotation) => gas.submit(rotation.account, encodeRotation(rotation)),
  };
}

function wordNumber(word: unknown): number {
  return toNumber(`0x${BigInt(toBytes(word, 32)).toString(16)}`);
}
