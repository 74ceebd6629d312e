import { sha256Hex } from '@countersign/kernel';
import { leafDigest } from '@countersign/payment';
import { describe, expect, it } from 'vitest';
import {
  EMPTY_FRONTIER,
  type KnownRoot,
  appendLeaves,
  auditPath,
  leafHash,
  rootAbove,
  rootOf,
  rootOver,
} from './merkle.ts';

const hashOf = (prefix: string, hex: string) => sha256Hex(Buffer.from(prefix + hex, 'hex'));
/** The reference inputs of Certificate Transparency's own tests (`merkletree` vectors), and their roots. */
const INPUTS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const leaves = INPUTS.map((input) => hashOf('00', input));

describe('the Merkle log', () => {
  it('has the roots of Certificate Transparency, leaf by leaf', () => {
    let frontier = EMPTY_FRONTIER;
    const roots = leaves.map((leaf) => rootOf((frontier = appendLeaves(frontier, [leaf]))));
    expect(roots).toEqual(ROOTS);
    expect(rootOf(EMPTY_FRONTIER)).toBe(sha256Hex(''));
  });

  it('is the same however its leaves are cut', () => {
    for (let at = 0; at <= leaves.length; at += 1) {
      const first = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, at));
      const whole = appendLeaves(first, leaves.slice(at));
      expect([whole.size, rootOf(whole)]).toEqual([8, ROOTS[7]]);
      expect(first.hashes).toHaveLength([...at.toString(2)].filter((bit) => bit === '1').length);
    }
  });

  it('hashes a record by the one digest that covers all of it', () => {
    const record = { lane: '0', offset: 3, stampMs: 1_000, key: 'k', bytes: Uint8Array.of(1) };
    expect(leafHash(record)).toBe(hashOf('00', leafDigest(record)));
  });
});

describe('a path to the root', () => {
  const known: KnownRoot = (from, to) => (to - from === 1 ? leaves[from] : undefined);

  it('leads there from every leaf of every tree, and from no other place', () => {
    for (let size = 1; size <= leaves.length; size += 1) {
      expect(rootOver(0, size, known)).toBe(ROOTS[size - 1]);
      for (const [leaf, hash] of leaves.slice(0, size).entries()) {
        const path = auditPath(leaf, size, known);
        const places = leaves.map((_, other) => rootAbove(hash, { leaf: other, size }, path));
        const right = places.flatMap((root, other) => (root === ROOTS[size - 1] ? [other] : []));
        expect(right).toEqual([leaf]);
      }
    }
  });

  // Paths of the examples in RFC 6962, section 2.1.3: of leaf 0 (b, h, l), 3 (c, g, l), 4 (f, j, k), 6 (i, k) of seven.
  it('is that of the RFC', () => {
    const root = (from: number, to: number) => rootOver(from, to, known);
    const path = (leaf: number) => auditPath(leaf, 7, known);
    expect(path(0)).toEqual([root(1, 2), root(2, 4), root(4, 7)]);
    expect(path(3)).toEqual([root(2, 3), root(0, 2), root(4, 7)]);
    expect(path(4)).toEqual([root(5, 6), root(6, 7), root(0, 4)]);
    expect(path(6)).toEqual([root(4, 6), root(0, 4)]);
  });

  it('that is longer, shorter or altered leads elsewhere', () => {
    const path = auditPath(2, 7, known);
    const at = { leaf: 2, size: 7 };
    const from = leaves[2] ?? '';
    expect(rootAbove(from, at, path)).toBe(ROOTS[6]);
    expect(rootAbove(from, at, path.slice(1))).toBeUndefined();
    expect(rootAbove(from, at, [...path, from])).toBeUndefined();
    expect(rootAbove(from, at, path.toReversed())).not.toBe(ROOTS[6]);
    expect(rootAbove(from, { leaf: 7, size: 7 }, path)).toBeUndefined();
  });

  it('is not made where a leaf is missing', () => {
    const holed: KnownRoot = (from, to) => (from === 3 ? undefined : known(from, to));
    expect(() => auditPath(0, 4, holed)).toThrow('leaf 3 is not known');
  });
});
