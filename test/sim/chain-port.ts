import { Fault } from '@countersign/kernel';
import type { AuthorizationReading, BlockTag, Chain, Outflow } from '@countersign/ports';
import type { Reading, SimChain, Submission, Usage } from './chain.ts';
import type { Dice } from './dice.ts';
import type { Weather } from './weather.ts';
import type { Wire } from './wire.ts';

export interface ChainPortParts {
  readonly chain: SimChain;
  readonly wire: Wire;
  readonly weather: Weather;
  readonly dice: Dice;
  /** Whether what is submitted is taken, and lost. */
  readonly isFailing?: () => boolean;
}

const UNAVAILABLE = 'chain_unavailable';
/** A transaction's hash proves nothing, and nobody looks at it. */
const SENT = `0x${'0'.repeat(64)}`;

/** A replica's node of the chain: it may not answer, be of another chain, or be blocks behind. */
export function chainPort(parts: ChainPortParts): Chain {
  const { chain, wire, weather, dice, isFailing } = parts;
  const call = <T>(name: string, effect: (lag: number) => T, reads: boolean) =>
    wire.call({
      name,
      code: UNAVAILABLE,
      reads,
      effect: () => {
        if (weather.strikes('rpcError')) throw nodeFault(dice);
        return effect(weather.strikes('rpcLag') ? dice.between(1, 12) : 0);
      },
    });
  const send = (name: string, effect: () => void) =>
    call(name, () => void (weather.strikes('transactionLost') || effect()), false).then(() => SENT);
  const submit = (submission: Submission) =>
    send(`submit ${submission.kind}`, () => void (isFailing?.() || chain.submit(submission)));
  return {
    network: chain.network,
    head: (tag) => call(`head ${tag}`, (lag) => chain.at(tag, lag), true),
    holds: (block) => call('holds', (lag) => chain.holds(block, chain.at('latest', lag)), true),
    authorization: ({ token, from, nonce }, tag: BlockTag) =>
      call(
        `authorization ${tag}`,
        (lag) => readingOf(chain.read({ token, from, nonce }, chain.at(tag, lag))),
        true,
      ),
    outflows: ({ wallets, fromBlock, toBlock = Infinity, tag }) =>
      call(
        `outflows ${tag}`,
        (lag) => {
          const head = chain.at(tag, lag);
          const at = toBlock < head.number ? chain.block(toBlock) : head;
          return {
            at,
            outflows: chain.outflows(new Set(wallets), fromBlock, at).flatMap(outflowOf),
          };
        },
        true,
      ),
    balance: () => call('balance', () => 10n ** 12n, true),
    submitTransfer: (transfer) => submit({ kind: 'transfer', ...transfer }),
    submitCancellation: ({ token, from, nonce, signature }) =>
      submit({ kind: 'cancellation', token, from, nonce, signature }),
    accounts: {
      read: (address, tag) =>
        call(`account ${tag}`, (lag) => chain.accounts.readAt(address, chain.at(tag, lag)), true),
      deploy: (firstOwner) => send('deploy', () => void chain.accounts.deploy(firstOwner)),
      rotate: (rotation) => send('rotate', () => void chain.accounts.rotate(rotation)),
    },
  };
}

/** The adapter's promise: whatever is wrong with a node is a fault, never a state. */
function nodeFault(dice: Dice): Fault {
  const code = dice.pick([UNAVAILABLE, 'wrong_chain', 'token_without_code', 'block_vanished']);
  return new Fault(code, 'the node is of no use', { retryable: true });
}

function readingOf({ at, usage }: Reading): AuthorizationReading {
  if (!usage) return { at, state: 'unused' };
  return usage.submission.kind === 'transfer'
    ? { at, state: 'used', transfer: transferOf(usage, usage.submission) }
    : { at, state: 'canceled', canceled: whereOf(usage) };
}

function transferOf(
  usage: Usage,
  { from, to, value }: { from: string; to: string; value: bigint },
) {
  return { from, to, value, ...whereOf(usage) };
}

function outflowOf({ submission, transactionHash, logIndex, block }: Usage): readonly Outflow[] {
  if (submission.kind === 'cancellation') return [];
  const { token, from, to, value } = submission;
  const nonce = submission.kind === 'transfer' ? submission.nonce : null;
  const where = { transactionHash, logIndex, blockNumber: block.number, blockHash: block.hash };
  return [{ token, from, nonce, moved: { to, value }, ...where }];
}

function whereOf({ transactionHash, logIndex, block }: Usage) {
  return { transactionHash, logIndex, block };
}
