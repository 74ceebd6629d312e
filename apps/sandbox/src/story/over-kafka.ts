import { createPublicKey } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PaymentView } from '@countersign/contracts';
import type { PaymentRequirements, SchemeNetworkClient } from '@x402/core/types';
import { findDefaultAsset } from '@x402/evm';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { getAddress } from 'viem';
import { FOLDER } from './countersign.ts';
import { transfers } from './evidence.ts';
import type { Narration } from './narration.ts';
import { runProgram } from './program.ts';
import { payToOf } from './sellers.ts';
import type { World } from './world.ts';

const AGENT = 'batch-1';
const EXAMPLE = 'docs/examples/kafka-agent/agent.ts';
const KEYS = join(FOLDER, 'agent-keys');
const Signed = PaymentView.pick({ authorization: true, signature: true }).required();

/** The example agent with a key and no credential: what it asks and what it is told is on Kafka alone. */
export async function overKafka(
  world: World,
  brokers: readonly string[],
  say: Narration,
): Promise<void> {
  const settings = { KAFKA_BROKERS: brokers.join(','), AGENT_NAME: AGENT, AGENT_KEYS: KEYS };
  mkdirSync(KEYS, { recursive: true });
  await runProgram(EXAMPLE, ['keys'], settings);
  const keys = { signing: publicKey('signing'), sealing: publicKey('sealing') };
  await world.owner.call('setAgentMessageKeys', { params: { agent: AGENT }, body: { keys } });
  const url = `${world.sellers.embeddings.url}/embed/over-kafka`;
  const scheme: SchemeNetworkClient = {
    scheme: 'exact',
    findDefaultAsset,
    async createPaymentPayload(x402Version, requirements) {
      const file = join(KEYS, 'request.json');
      const resource = { method: 'GET', url };
      writeFileSync(file, JSON.stringify({ quote: quoteOf(requirements), resource }));
      const printed = await runProgram(EXAMPLE, ['pay', file], settings);
      return { x402Version, payload: payloadOf(Signed.parse(JSON.parse(printed))) };
    },
  };
  const pay = wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', scheme));
  const response = await pay(url);
  const paid = await transfers(world, world.wallets[AGENT], payToOf('embeddings'));
  say.line(
    response.ok && paid.length === 1,
    `over Kafka: another agent proposed an embedding in a message: paid, ${paid.length} transfer on chain`,
    `its key proves the message and it has no credential; what was signed came back sealed to it alone`,
  );
}

function publicKey(name: string): string {
  const key = createPublicKey(readFileSync(join(KEYS, `${name}.pub.pem`)));
  return key.export({ format: 'jwk' }).x ?? '';
}

function quoteOf(requirements: PaymentRequirements) {
  const { scheme, network, asset, amount, payTo, maxTimeoutSeconds } = requirements;
  return { scheme, network, asset, amount, payTo, maxTimeoutSeconds };
}

/** Spelt as the stock scheme client spells it. */
function payloadOf({ authorization, signature }: ReturnType<typeof Signed.parse>) {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return {
    signature,
    authorization: {
      ...{ from: getAddress(from), to: getAddress(to), value, nonce },
      ...{ validAfter: String(validAfter), validBefore: String(validBefore) },
    },
  };
}
