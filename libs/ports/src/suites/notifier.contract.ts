import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notification, Notifier } from '../notifier.ts';

/** A notifier for one test, and the eyes of whoever it tells. */
export interface NotifierUnderTest {
  readonly notifier: Notifier;
  /** What was shown or sent so far, one text for each time, as it was. */
  received(): readonly string[];
  dispose(): Promise<void>;
}

export interface NotifierFactory {
  create(): Promise<NotifierUnderTest>;
  /** Makes a notifier whose receiver takes nothing, for now or for good; null where a receiver cannot refuse. */
  readonly createRefusing: ((retryable: boolean) => Promise<NotifierUnderTest>) | null;
}

const NOTIFICATION: Notification = {
  id: 'd0c5/approval',
  kind: 'approval_wanted',
  tenant: 'acme',
  paymentId: `pay_3_${'7'.repeat(32)}`,
  title: 'researcher wants to pay 12.50 USDC',
  facts: [
    { name: 'Payee', value: `0x${'e'.repeat(40)}` },
    { name: 'For', value: 'GET https://api.example.com/report' },
  ],
  quoted: 'please hurry',
  link: 'http://127.0.0.1:8402/approve#pay',
};

/** Characters that hide or turn text: escape, right-to-left override, zero-width space, soft hyphen, next line. */
const HIDDEN = ['\u001b', '\u202e', '\u200b', '\u00ad', '\u0085', '\u0000', '\r', '\u2028'];

/** What every notifier owes its caller. */
export function describeNotifier(name: string, factory: NotifierFactory): void {
  describe(`notifier: ${name}`, () => {
    let world: NotifierUnderTest;
    beforeEach(async () => {
      world = await factory.create();
    });
    afterEach(() => world.dispose());

    it('has delivered when it resolves, and not before it was asked', async () => {
      expect(world.received()).toEqual([]);
      await world.notifier.notify(NOTIFICATION);
      expect(world.received()).toHaveLength(1);
    });

    it('leaves nothing out that a person needs to decide', async () => {
      await world.notifier.notify(NOTIFICATION);
      const [text = ''] = world.received();
      const { title, facts, link = '', quoted = '' } = NOTIFICATION;
      for (const part of [title, link, quoted]) expect(text).toContain(part);
      for (const fact of facts) {
        expect(text).toContain(fact.name);
        expect(text).toContain(fact.value);
      }
    });

    it('puts the words of the agent after everything else', async () => {
      await world.notifier.notify(NOTIFICATION);
      const [text = ''] = world.received();
      const { title, facts, link = '', quoted = '' } = NOTIFICATION;
      const place = text.indexOf(quoted);
      for (const part of [title, link, ...facts.map((fact) => fact.value)])
        expect(text.indexOf(part)).toBeLessThan(place);
    });

    it('needs neither quoted words nor a link, a payment or facts', async () => {
      const { id, kind, tenant, title } = NOTIFICATION;
      await world.notifier.notify({ id, kind, tenant, title, facts: [] });
      expect(world.received()[0]).toContain(title);
      expect(world.received()[0]).not.toContain('undefined');
    });

    it.each(['approval_wanted', 'veto_window', 'alert'] as const)(
      'delivers a notification of the kind %s',
      async (kind) => {
        await world.notifier.notify({ ...NOTIFICATION, kind });
        expect(world.received()).toHaveLength(1);
      },
    );

    it('hides nothing in any text: what is unseen is written out', async () => {
      for (const hidden of HIDDEN) {
        const text = `a${hidden}b`;
        const facts = [{ name: text, value: text }];
        await world.notifier.notify({ ...NOTIFICATION, title: text, facts, quoted: text });
      }
      expect(world.received()).toHaveLength(HIDDEN.length);
      for (const [index, text] of world.received().entries()) {
        expect(text).not.toContain(`a${HIDDEN[index]}b`);
        for (const hidden of HIDDEN) expect(text).not.toContain(hidden);
        expect(text.match(/a<U\+[0-9A-F]{4}>b/g)).toHaveLength(4);
      }
    });

    it('caps words that have no end', async () => {
      await world.notifier.notify({ ...NOTIFICATION, quoted: 'word '.repeat(100_000) });
      expect(world.received()[0]?.length).toBeLessThan(5_000);
    });

    it('delivers the same notification again when it is asked to', async () => {
      await world.notifier.notify(NOTIFICATION);
      await world.notifier.notify(NOTIFICATION);
      expect(world.received()).toHaveLength(2);
    });

    it('delivers many at once, each one whole', async () => {
      const titles = Array.from({ length: 20 }, (_, number) => `payment number ${number}.`);
      await Promise.all(
        titles.map((title) => world.notifier.notify({ ...NOTIFICATION, id: title, title })),
      );
      for (const title of titles)
        expect(world.received().filter((text) => text.includes(title))).toHaveLength(1);
    });
  });

  const { createRefusing } = factory;
  if (createRefusing === null) return;
  describe(`notifier: ${name}, to a receiver that refuses`, () => {
    it.each([true, false])(
      'has delivered nothing, and says whether to try again: %o',
      async (retryable) => {
        const world = await createRefusing(retryable);
        await expect(world.notifier.notify(NOTIFICATION)).rejects.toMatchObject({
          name: 'Fault',
          code: 'notification_not_accepted',
          retryable,
        });
        await world.dispose();
      },
    );
  });
}
