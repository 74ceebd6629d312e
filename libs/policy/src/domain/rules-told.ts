import type { TraceLine } from '@countersign/contracts';
import { LINES_MAX, line, summarize } from './explain.ts';
import type { CompiledRule, Condition, Finding } from './finding.ts';
import type { RuleIndex } from './rule-index.ts';
import type { Subject } from './subject.ts';
import { keyOf, traitsOf } from './traits.ts';

/** What the rules of one kind say of one payment: those it meets, in document order, and how the trace tells it. */
interface Told {
  readonly met: readonly CompiledRule[];
  readonly lines: readonly TraceLine[];
}

export type Telling = (subject: Subject) => Told;

interface Rules {
  readonly rules: readonly CompiledRule[];
  readonly find: RuleIndex;
  /** How the trace calls them, such as `prohibitions`. */
  readonly kind: string;
  /** Of one rule's conditions, how many must hold. */
  readonly enough: 'any' | 'all';
}

/** Lines kept of one kind of rule; at that many all are let go of, and those still in use are kept anew. */
const LINES_KEPT_MAX = 4_096;

/**
 * Rules of one kind, ready to be asked. What they say is kept if it rests on nothing but traits: an agent buys from the
 * same few sellers again and again, and to tell ten prohibitions of other domains in the same ten lines each time was
 * half of a decision's processor time.
 */
export function tellRules(all: Rules): Telling {
  if (all.rules.length === 0) return () => NOTHING;
  const traits = traitsOf(all.rules.flatMap(({ conditions }) => conditions));
  if (!traits) return (subject) => told(all, subject);
  const kept = new Map<string, Told>();
  let lines = 0;
  return (subject) => {
    const key = keyOf(traits, subject);
    const known = kept.get(key);
    if (known) return known;
    const fresh = told(all, subject);
    // Every verdict on a payment of these traits hands out these very objects.
    for (const it of fresh.lines) Object.freeze(it);
    lines += 1 + fresh.lines.length;
    if (lines > LINES_KEPT_MAX) {
      kept.clear();
      lines = 1 + fresh.lines.length;
    }
    kept.set(key, fresh);
    return fresh;
  };
}

const NOTHING: Told = { met: [], lines: [] };

function told({ rules, find, kind, enough }: Rules, subject: Subject): Told {
  const found = find(subject);
  const met: CompiledRule[] = [];
  const lines: TraceLine[] = [];
  for (const index of found) {
    const rule = rules[index];
    if (!rule) continue;
    const finding =
      enough === 'all'
        ? allOf(rule.conditions, subject)
        : anyOf(rule.conditions, subject)
          ? 'met'
          : 'unmet';
    if (finding === 'met') met.push(rule);
    // Room is kept for what is met: of what is not, only so much is listed.
    if (lines.length >= (finding === 'met' ? LINES_MAX : LINES_MAX / 2)) continue;
    lines.push(explained(rule, subject, finding));
  }
  const unlisted = found.length - lines.length;
  summarize(lines, kind, { excluded: rules.length - found.length, unlisted });
  return { met, lines };
}

export function allOf(conditions: readonly Condition[], subject: Subject): Finding {
  let held = false;
  for (const { test } of conditions) {
    const finding = test(subject);
    if (finding === 'unmet') return 'unmet';
    if (finding === 'held') held = true;
  }
  return held ? 'held' : 'met';
}

function anyOf(conditions: readonly Condition[], subject: Subject): boolean {
  for (const { test } of conditions) if (test(subject) === 'met') return true;
  return false;
}

/** A line for a rule all of whose conditions were met. */
export function explainedMet({ rule, conditions }: CompiledRule, subject: Subject): TraceLine {
  let why = '';
  for (const condition of conditions)
    why += (why === '' ? '' : '; ') + condition.why(subject, 'met');
  return line(rule, true, why);
}

/** A line that names the conditions the finding rests on, each with the values compared. */
export function explained(rule: CompiledRule, subject: Subject, finding: Finding): TraceLine {
  let why = '';
  for (const { test, why: whyOf } of rule.conditions) {
    const ofOne = test(subject);
    if (finding === 'met' ? ofOne !== 'met' : ofOne === 'met') continue;
    why += (why === '' ? '' : '; ') + whyOf(subject, ofOne);
  }
  return line(rule.rule, finding === 'met', why);
}
