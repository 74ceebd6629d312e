import {
  CODES,
  DeliveryMessage,
  INBOUND_TOPIC,
  IntentMessage,
  MESSAGE_AGE_MAX_MS,
  MESSAGE_BYTES_MAX,
  OUTCOMES_TOPIC,
  OutcomeMessage,
  SIGNATURE_HEADER,
  SIGNING_REFUSALS,
  SealedOutcome,
} from '@countersign/contracts';
import { z } from 'zod';

const json = 'application/json';
const ref = (path: string) => ({ $ref: `#/${path}` });
const keyed = {
  kafka: {
    key: { type: 'string', description: '`<tenant>/<agent>`: messages of a key stay in order' },
  },
};

const INBOUND = `What agents ask for. Proven by the agent's signature; on a topic of its own, which only its principal may
write to, the topic is proof enough for an agent without a key. A message is at most ${MESSAGE_BYTES_MAX} bytes, and begins or
claims something only within ${MESSAGE_AGE_MAX_MS / 60_000} minutes of its \`time\`. One that no agent can be held to have sent is not answered:
operators find it at \`GET /v1/messages/unattributed\`.`;

const OUTCOMES = `What became of each message, and then of its payment, at least once. Everything but the course of the payment is
sealed to the agent: \`data.sealed\` is compact JWE (ECDH-ES, A256GCM) for its X25519 key and holds \`SealedOutcome\`. An agent
without such a key reads the payment over HTTP.`;

/** The AsyncAPI 3 document of what agents say and are told on Kafka, made from the schemas alone. */
export function asyncApiDocument(): Record<string, unknown> {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Countersign',
      version: '1',
      description:
        'Payments of agents that speak Kafka. Amounts of quotes are decimal strings of atomic units.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: json,
    channels: {
      inbound: channel(INBOUND_TOPIC, INBOUND, ['intent', 'delivery']),
      inboundOfAgent: {
        ...channel(`${INBOUND_TOPIC}.{tenant}.{agent}`, INBOUND, ['intent', 'delivery']),
        parameters: { tenant: {}, agent: {} },
      },
      outcomes: channel(OUTCOMES_TOPIC, OUTCOMES, ['outcome']),
    },
    operations: {
      receiveMessages: operation('receive', 'inbound', ['intent', 'delivery']),
      receiveMessagesOfAgent: operation('receive', 'inboundOfAgent', ['intent', 'delivery']),
      sendOutcomes: operation('send', 'outcomes', ['outcome']),
    },
    components: {
      messages: {
        intent: inbound('A payment proposed, or claimed once people cleared it', 'IntentMessage'),
        delivery: inbound('What was paid for arrived', 'DeliveryMessage'),
        outcome: {
          summary: 'What became of a message or of its payment',
          contentType: json,
          payload: ref('components/schemas/OutcomeMessage'),
          bindings: keyed,
        },
      },
      schemas: {
        IntentMessage: schemaOf(IntentMessage, 'input'),
        DeliveryMessage: schemaOf(DeliveryMessage, 'input'),
        OutcomeMessage: schemaOf(OutcomeMessage, 'output'),
        SealedOutcome: schemaOf(SealedOutcome, 'output'),
      },
    },
    'x-codes': CODES,
    'x-signing-refusals': SIGNING_REFUSALS,
  };
}

function channel(address: string, description: string, messages: readonly string[]) {
  const named = messages.map((name) => [name, ref(`components/messages/${name}`)]);
  return { address, description, messages: Object.fromEntries(named) as object };
}

function operation(action: 'send' | 'receive', name: string, messages: readonly string[]) {
  return {
    action,
    channel: ref(`channels/${name}`),
    messages: messages.map((message) => ref(`channels/${name}/messages/${message}`)),
  };
}

function inbound(summary: string, schema: string) {
  const signature = {
    type: 'string',
    pattern: '^[A-Za-z0-9_-]{86}$',
    description:
      'ed25519 in base64url over the bytes `countersign/message/1`, a line feed, and the exact bytes of the message',
  };
  return {
    summary,
    contentType: json,
    headers: { type: 'object', properties: { [SIGNATURE_HEADER]: signature } },
    payload: ref(`components/schemas/${schema}`),
    bindings: keyed,
  };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-7' });
}
