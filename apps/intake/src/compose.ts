import { openKafkaInbox, openKafkaOutbox } from '@countersign/adapter-kafka';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import {
  IntakeModule,
  type MessagesParts,
  Unattributed,
  messagesDuty,
} from '@countersign/intake/service';
import type { Settings } from './config.ts';

/** Payments and tasks, over HTTP and in messages. What follows an intent is owed by others. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const { host, timers, clock, log, trusted } = surroundings;
  const vault = openVault(settings);
  const key = await ownKey(vault, 'intake', trusted);
  const unattributed = new Unattributed(clock, log);
  const messages = await takesMessages(settings, surroundings, { key, unattributed });
  const module = { host, key, timers, clock, unattributed };
  return {
    modules: [IntakeModule.with({ ...module, ...(messages && { messages }) })],
    duties: messages ? [messages] : [],
    async close() {
      await messages?.close();
      vault.close();
    },
  };
}

async function takesMessages(
  settings: Settings,
  surroundings: Surroundings,
  own: Pick<MessagesParts, 'key' | 'unattributed'>,
) {
  if (settings.COUNTERSIGN_MESSAGES === 'off') return undefined;
  const { kafka, metrics } = surroundings;
  const topicsOfAgents = settings.COUNTERSIGN_MESSAGES === 'keys-and-topics';
  const inbox = await openKafkaInbox({ ...kafka, topicsOfAgents });
  const outbox = await openKafkaOutbox(kafka);
  const duty = messagesDuty({ ...surroundings, ...own, inbox, outbox, meter: metrics.messages });
  return { ...duty, close: () => outbox.close() };
}
