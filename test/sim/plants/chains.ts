import type { AccountChain, AccountReading, Chain } from '@countersign/ports';
import { THIEF } from '../actors/thief.ts';
import type { Surroundings } from '../replica.ts';
import type { World } from '../world.ts';

function withChain(surroundings: Surroundings, change: Partial<Chain>): Surroundings {
  return { ...surroundings, chain: { ...surroundings.chain, ...change } };
}

/** Often fails, and takes its failure for an answer. */
export function errorsAsUnused(surroundings: Surroundings, world: World): Surroundings {
  const { chain } = surroundings;
  return withChain(surroundings, {
    authorization: (key, tag, fromBlock) =>
      world.dice.chance(0.5)
        ? Promise.resolve({ at: world.chain.at(tag, 0), state: 'unused' })
        : chain.authorization(key, tag, fromBlock),
  });
}

export function alwaysFinal(surroundings: Surroundings): Surroundings {
  const { chain } = surroundings;
  return withChain(surroundings, {
    authorization: (key, _tag, fromBlock) => chain.authorization(key, 'latest', fromBlock),
  });
}

export function neverFinal(surroundings: Surroundings, world: World): Surroundings {
  const { chain } = surroundings;
  const genesis = world.chain.at('finalized', 0);
  return withChain(surroundings, {
    authorization: (key, tag, fromBlock) =>
      tag === 'finalized'
        ? Promise.resolve({ at: genesis, state: 'unused' })
        : chain.authorization(key, tag, fromBlock),
  });
}

export function blindToOutflows(surroundings: Surroundings): Surroundings {
  const { chain } = surroundings;
  return withChain(surroundings, {
    outflows: async (scan) => ({ ...(await chain.outflows(scan)), outflows: [] }),
  });
}

/** Shows an account that a thief has as it was before. */
export function blindToThieves(surroundings: Surroundings): Surroundings {
  const { accounts } = surroundings.chain;
  const before = new Map<string, AccountReading['account']>();
  const read: AccountChain['read'] = async (address, tag) => {
    const reading = await accounts.read(address, tag);
    if (reading.account?.owner === THIEF)
      return { ...reading, account: before.get(address) ?? null };
    before.set(address, reading.account);
    return reading;
  };
  return withChain(surroundings, {
    accounts: {
      read,
      deploy: (firstOwner) => accounts.deploy(firstOwner),
      rotate: (rotation) => accounts.rotate(rotation),
    },
  });
}

/** Shows a transfer of nothing as one of something. */
export function magnifying(surroundings: Surroundings): Surroundings {
  const { chain } = surroundings;
  return withChain(surroundings, {
    outflows: async (scan) => {
      const { at, outflows } = await chain.outflows(scan);
      const magnified = outflows.map((outflow) =>
        outflow.moved?.value === 0n
          ? { ...outflow, moved: { ...outflow.moved, value: 1n } }
          : outflow,
      );
      return { at, outflows: magnified };
    },
  });
}

/** Shows what authorizations moved as if the wallets had done it by themselves. */
export function withoutNonces(surroundings: Surroundings): Surroundings {
  const { chain } = surroundings;
  return withChain(surroundings, {
    outflows: async (scan) => {
      const { at, outflows } = await chain.outflows(scan);
      return { at, outflows: outflows.map((outflow) => ({ ...outflow, nonce: null })) };
    },
  });
}
