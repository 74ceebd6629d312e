/**
 * An agent that pays over Kafka with a stock client: it asks, reads what becomes of it, and opens what is sealed to it.
 *
 *     node agent.ts keys             # makes its keys; an operator registers the public ones
 *     node agent.ts pay quote.json   # prints the signed payment, ready for the seller
 *
 * `jose` and `kafkajs` are all it needs; a broker that asks for TLS and a login is told so in `new Kafka`.
 */
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactDecrypt } from 'jose';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import { agent, brokers, keysFolder, prefix, tenant } from './config.ts';

const WAIT_MS = 60_000;
const kafka = new Kafka({ brokers, clientId: agent, logLevel: logLevel.ERROR });

interface Told {
  readonly tenant: string;
  readonly agent: string;
  readonly messageId: string | null;
  readonly payment?: { id: string; status: string; final: boolean; reasons: string[] };
  readonly refused?: { code: string; detail: string };
  readonly sealed?: string;
}
interface Signed {
  readonly authorization: object;
  readonly signature: string;
}

/** Writes both private keys, for this agent alone, and the public ones for an operator to register. */
function makeKeys(): void {
  const pairs = { signing: generateKeyPairSync('ed25519'), sealing: generateKeyPairSync('x25519') };
  for (const [name, { privateKey, publicKey }] of Object.entries(pairs)) {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(keysFolder, `${name}.pem`), pem, { mode: 0o600, flag: 'wx' });
    const open = publicKey.export({ type: 'spki', format: 'pem' });
    writeFileSync(join(keysFolder, `${name}.pub.pem`), open);
  }
}

function privateKey(name: 'signing' | 'sealing') {
  return createPrivateKey(readFileSync(join(keysFolder, `${name}.pem`)));
}

/** A CloudEvent in JSON, signed as the exact bytes that are sent. To ask for the same purchase again, send it again. */
async function sendIntent(messageId: string, data: object): Promise<void> {
  const message = Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id: messageId,
      source: `agent/${tenant}/${agent}`,
      type: 'dev.countersign.agent.intent.v1',
      time: new Date().toISOString(),
      data,
    }),
  );
  const signed = Buffer.concat([Buffer.from('countersign/message/1\n'), message]);
  const signature = sign(null, signed, privateKey('signing')).toString('base64url');
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({
    topic: `${prefix}intents.inbound`,
    acks: -1,
    messages: [{ key: `${tenant}/${agent}`, value: message, headers: { signature } }],
  });
  await producer.disconnect();
}

async function unsealed(jwe: string): Promise<Signed> {
  const { plaintext } = await compactDecrypt(jwe, privateKey('sealing'));
  return (JSON.parse(new TextDecoder().decode(plaintext)) as { payment: Signed }).payment;
}

/** The payment as it was signed. People who are asked get as long as this waits. */
async function pay(request: object): Promise<Signed> {
  const messageId = randomUUID();
  const { promise, resolve, reject } = Promise.withResolvers<Signed>();
  const giveUp = setTimeout(
    () => reject(new Error('nothing more was told; the same message may be sent again')),
    WAIT_MS,
  );
  const consumer = kafka.consumer({ groupId: `agent-${tenant}-${agent}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [`${prefix}intents.outcomes`], fromBeginning: true });
  let paymentId: string | undefined;
  await consumer.run({
    eachMessage: async ({ message }) => {
      const { data } = JSON.parse(message.value?.toString() ?? '{}') as { data: Told };
      if (data.tenant !== tenant || data.agent !== agent) return;
      const { payment, refused, sealed } = data;
      if (data.messageId === messageId) paymentId ??= payment?.id;
      if (data.messageId !== messageId && (!payment || payment.id !== paymentId)) return;
      if (refused) return reject(new Error(`refused: ${refused.code}: ${refused.detail}`));
      if (!payment) return;
      console.error(`${payment.status} ${payment.id}`);
      if (payment.status === 'signed' && sealed) resolve(await unsealed(sealed));
      // People consented to these terms. A fresh quote, under an id of its own, claims the payment.
      else if (payment.status === 'cleared') await sendIntent(randomUUID(), request);
      else if (payment.final) reject(new Error(`${payment.status}: ${payment.reasons.join(', ')}`));
    },
  });
  try {
    await sendIntent(messageId, request);
    return await promise;
  } finally {
    clearTimeout(giveUp);
    await consumer.disconnect();
  }
}

const [command, file] = process.argv.slice(2);
if (command === 'keys') makeKeys();
else if (command === 'pay' && file !== undefined) {
  const { authorization, signature } = await pay(JSON.parse(readFileSync(file, 'utf8')) as object);
  console.log(JSON.stringify({ authorization, signature }));
} else throw new Error('agent.ts keys | agent.ts pay <file with quote and resource>');
