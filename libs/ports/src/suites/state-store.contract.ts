import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StateChanges, StateStore } from '../state-store.ts';

/** A store for one test. */
export interface StateStoreUnderTest {
  readonly store: StateStore;
  /** Closes the store and opens it again, as another process would. For `durable` adapters. */
  reopen(): StateStore;
  dispose(): void;
}

export interface StateStoreFactory {
  readonly durable: boolean;
  create(): StateStoreUnderTest;
}

const utf8 = new TextEncoder();
const text = (value: Uint8Array | undefined) =>
  value === undefined ? undefined : new TextDecoder().decode(value);
const put = (key: string, value: string, collection = 'payments') => ({
  collection,
  key,
  value: utf8.encode(value),
});
const changes = (change: Partial<StateChanges>): StateChanges => ({
  puts: [],
  deletes: [],
  nowMs: 0,
  ...change,
});

/** What every adapter of {@link StateStore} guarantees. */
export function describeStateStore(name: string, factory: StateStoreFactory): void {
  describe(`state store: ${name}`, () => {
    let subject: StateStoreUnderTest;
    let store: StateStore;
    beforeEach(() => {
      subject = factory.create();
      store = subject.store;
    });
    afterEach(() => subject.dispose());

    const keys = (prefix: string, below?: string, max = 100) =>
      store
        .newest('payments', { prefix, max, ...(below !== undefined && { below }) })
        .map(({ key }) => key);

    it('gives back what was saved last, byte for byte', () => {
      expect(store.get('payments', 'a')).toBeUndefined();
      store.save(changes({ puts: [put('a', 'one'), put('b', '')] }));
      store.save(changes({ puts: [put('a', 'zwei\u0000')] }));
      expect(text(store.get('payments', 'a'))).toBe('zwei\u0000');
      expect(text(store.get('payments', 'b'))).toBe('');
    });

    it('keeps collections apart', () => {
      store.save(changes({ puts: [put('a', 'one'), put('a', 'two', 'keys')] }));
      store.save(changes({ deletes: [{ collection: 'keys', key: 'a' }] }));
      expect(text(store.get('payments', 'a'))).toBe('one');
      expect(store.get('keys', 'a')).toBeUndefined();
    });

    it('deletes what is there and does not mind what is not', () => {
      store.save(changes({ puts: [put('a', 'one')] }));
      store.save(changes({ deletes: ['a', 'b'].map((key) => ({ collection: 'payments', key })) }));
      expect(store.get('payments', 'a')).toBeUndefined();
    });

    it('does not change when the caller changes its bytes afterwards', () => {
      const entry = put('a', 'one');
      store.save(changes({ puts: [entry] }));
      entry.value.fill(0);
      expect(text(store.get('payments', 'a'))).toBe('one');
    });

    it('lists a prefix from the last key to the first, in pages', () => {
      const all = ['x/1', 'x/10', 'x/2', 'x/Z', 'x/a', 'y/1', 'x', 'x0'];
      store.save(changes({ puts: all.map((key) => put(key, key)) }));
      expect(keys('x/')).toEqual(['x/a', 'x/Z', 'x/2', 'x/10', 'x/1']);
      expect(keys('x/', undefined, 2)).toEqual(['x/a', 'x/Z']);
      expect(keys('x/', 'x/Z', 2)).toEqual(['x/2', 'x/10']);
      expect(keys('z')).toEqual([]);
      expect(keys('')).toHaveLength(all.length);
    });

    it('takes a percent sign or an underline in a prefix for what it is', () => {
      store.save(changes({ puts: ['a_1', 'ab1', '%', 'c'].map((key) => put(key, key)) }));
      expect(keys('a_')).toEqual(['a_1']);
      expect(keys('%')).toEqual(['%']);
    });

    it('forgets what expired, and nothing that did not', () => {
      const entries = Array.from({ length: 10 }, (_, index) => ({
        ...put(`k${index}`, 'x'),
        expiresAtMs: 1_000 + index,
      }));
      store.save(changes({ puts: [...entries, put('forever', 'x')] }));
      for (let save = 0; save < 20; save += 1) store.save(changes({ nowMs: 1_005 }));
      expect(keys('')).toEqual(['k9', 'k8', 'k7', 'k6', 'k5', 'forever']);
    });

    it('keeps an entry that was put again without a time', () => {
      store.save(changes({ puts: [{ ...put('a', 'one'), expiresAtMs: 10 }] }));
      store.save(changes({ puts: [put('a', 'two')] }));
      store.save(changes({ nowMs: 1_000 }));
      expect(text(store.get('payments', 'a'))).toBe('two');
    });

    it('is empty once cleared', () => {
      store.save(changes({ puts: [put('a', 'one'), put('b', 'two', 'keys')] }));
      store.clear();
      expect(store.get('payments', 'a')).toBeUndefined();
      expect(store.get('keys', 'b')).toBeUndefined();
    });

    it.runIf(factory.durable)('has every whole save when it is opened again', () => {
      store.save(changes({ puts: [put('a', 'one'), put('b', 'two')] }));
      store.save(changes({ deletes: [{ collection: 'payments', key: 'b' }] }));
      const again = subject.reopen();
      expect(text(again.get('payments', 'a'))).toBe('one');
      expect(again.get('payments', 'b')).toBeUndefined();
    });

    it('closes twice as well as once', () => {
      store.close();
      store.close();
    });
  });
}
