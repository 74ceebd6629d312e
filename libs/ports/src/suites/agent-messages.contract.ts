import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentInbox, AgentOutbox, InboundMessage } from '../agent-messages.ts';

export interface Sent {
  readonly key: string | null;
  readonly text: string;
  readonly signature?: string;
}

/** Inbox and outbox of one test. */
export interface AgentMessagesUnderTest {
  /** Another replica's end of the same inbox, or the same replica's after a restart. */
  openInbox(): AgentInbox;
  openOutbox(): Promise<AgentOutbox>;
  /** Writes as agents do, in order; resolves when it stands in the inbox. */
  send(messages: readonly Sent[]): Promise<void>;
  /** What was told of a lane, oldest first, as texts. */
  told(lane: number): Promise<readonly { key: string; text: string }[]>;
  dispose(): Promise<void>;
}

const textOf = ({ bytes }: InboundMessage) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Collects what comes, and lets a test wait for it. */
function receiver(inbox: AgentInbox, handle: (message: InboundMessage) => Promise<void>) {
  const seen: InboundMessage[] = [];
  let look = () => {};
  const subscription = inbox.receive(async (message) => {
    seen.push(message);
    look();
    await handle(message);
  });
  const until = async (isSo: (texts: readonly string[]) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = () => isSo(seen.map(textOf)) && resolve();
    look();
    await promise;
    return seen.map(textOf);
  };
  return { seen, until, close: () => subscription.close() };
}

const done = () => Promise.resolve();
const has = (text: string) => (texts: readonly string[]) => texts.includes(text);

/** What every inbox and outbox for agents must do. */
export function describeAgentMessages(
  name: string,
  create: () => Promise<AgentMessagesUnderTest>,
): void {
  describe(`${name}: messages of agents`, () => {
    let subject: AgentMessagesUnderTest;
    beforeEach(async () => {
      subject = await create();
    });
    afterEach(() => subject.dispose());

    it('come with their bytes and signature, those of one key in order', async () => {
      await subject.send([
        { key: 'a', text: 'one', signature: 'sig' },
        { key: 'a', text: 'two' },
        { key: 'a', text: 'three' },
      ]);
      const { seen, until, close } = receiver(subject.openInbox(), done);
      expect(await until(has('three'))).toEqual(['one', 'two', 'three']);
      expect(seen.map(({ signature }) => signature)).toEqual(['sig', null, null]);
      expect(seen.every(({ place, sender }) => place !== '' && sender === null)).toBe(true);
      await close();
    });

    it('come one at a time for each key, and do not wait for other keys', async () => {
      const gate = Promise.withResolvers<void>();
      await subject.send([
        { key: 'a', text: 'slow' },
        { key: 'a', text: 'after slow' },
        { key: 'b', text: 'quick' },
      ]);
      const { until, close } = receiver(subject.openInbox(), (message) =>
        textOf(message) === 'slow' ? gate.promise : done(),
      );
      const before = await until((texts) => texts.includes('slow') && texts.includes('quick'));
      expect(before).not.toContain('after slow');
      gate.resolve();
      await until(has('after slow'));
      await close();
    });

    it('come again when they were not handled, and not when they were', async () => {
      await subject.send([{ key: 'a', text: 'handled' }]);
      const first = receiver(subject.openInbox(), done);
      await first.until(has('handled'));
      await first.close();
      await subject.send([{ key: 'a', text: 'not handled' }]);
      const closing = Promise.withResolvers<void>();
      const second = receiver(subject.openInbox(), () => closing.promise);
      await second.until(has('not handled'));
      const closed = second.close();
      closing.reject(new Error('closing'));
      await closed;
      const third = receiver(subject.openInbox(), done);
      expect(await third.until(has('not handled'))).toEqual(['not handled']);
      await third.close();
    });

    it('come again at once when handling fails', async () => {
      await subject.send([
        { key: 'a', text: 'fails once' },
        { key: 'a', text: 'next' },
      ]);
      let failures = 1;
      const { until, close } = receiver(subject.openInbox(), () =>
        failures-- > 0 ? Promise.reject(new Error('once')) : done(),
      );
      const texts = await until(has('next'));
      expect(texts.slice(0, 2)).toEqual(['fails once', 'fails once']);
      await close();
    });

    it('can be read again where they stand, also when they were handled', async () => {
      await subject.send([
        { key: 'a', text: 'one', signature: 'sig' },
        { key: 'a', text: 'two' },
      ]);
      const inbox = subject.openInbox();
      const { seen, until, close } = receiver(inbox, done);
      await until(has('two'));
      await close();
      for (const message of seen) {
        const again = await inbox.read(message.place);
        expect(again && { ...again, bytes: textOf(again) }).toEqual({
          ...message,
          bytes: textOf(message),
        });
      }
    });

    it('are not found where none stands', async () => {
      await subject.send([{ key: 'a', text: 'one' }]);
      const inbox = subject.openInbox();
      const { seen, until, close } = receiver(inbox, done);
      await until(has('one'));
      await close();
      const { place } = seen[0]!;
      const after = place.replace(/\d+$/, (offset) => String(Number(offset) + 1));
      const far = place.replace(/\d+$/, '9007199254740991');
      for (const wrong of [
        after,
        far,
        `${place}0000000000000000000`,
        `other-${place}`,
        '',
        'x:y:z',
      ])
        expect(await inbox.read(wrong)).toBeNull();
    });

    it('come whatever they hold', async () => {
      await subject.send([
        { key: null, text: '' },
        { key: '', text: '\u0000' },
        { key: 'a', text: 'x'.repeat(60_000) },
        { key: 'a', text: 'last' },
      ]);
      const { until, close } = receiver(subject.openInbox(), done);
      const texts = await until((all) => all.length >= 4);
      expect(texts.map((text) => text.length).sort((a, b) => a - b)).toEqual([0, 1, 4, 60_000]);
      await close();
    });
  });

  describe(`${name}: outcomes for agents`, () => {
    let subject: AgentMessagesUnderTest;
    let outbox: AgentOutbox;
    beforeEach(async () => {
      subject = await create();
      outbox = await subject.openOutbox();
    });
    afterEach(async () => {
      await outbox.close();
      await subject.dispose();
    });
    const outcome = (lane: number, text: string, through?: number) => ({
      lane,
      key: 'default/a',
      bytes: bytesOf(text),
      ...(through !== undefined && { through }),
    });

    it('are told in the order of their lane', async () => {
      await outbox.publish([outcome(0, 'one'), outcome(1, 'other'), outcome(0, 'two', 7)]);
      expect(await subject.told(0)).toEqual([
        { key: 'default/a', text: 'one' },
        { key: 'default/a', text: 'two' },
      ]);
      expect(await subject.told(1)).toEqual([{ key: 'default/a', text: 'other' }]);
    });

    it('say how far a lane was told, also after a restart and behind many that do not', async () => {
      expect(await outbox.through(0)).toBe(-1);
      await outbox.publish([outcome(0, 'one', 41), outcome(1, 'other', 99)]);
      await outbox.publish(Array.from({ length: 700 }, (_, at) => outcome(0, `answer ${at}`)));
      await outbox.close();
      outbox = await subject.openOutbox();
      expect(await outbox.through(0)).toBe(41);
      await outbox.publish([outcome(0, 'two', 42)]);
      expect(await outbox.through(0)).toBe(42);
    });
  });
}
