import { z } from 'zod';
import { Atomic } from './text.ts';

/** How far a task has come. Nothing is paid while it explores, and nothing once it is done. */
export const TaskPhase = z.enum(['exploring', 'planned', 'executing', 'done']);
export type TaskPhase = z.infer<typeof TaskPhase>;

/** Who vouches for a cost or an outcome: the agent says so, or a person established it. */
export const Basis = z.enum(['asserted', 'established']);
export type Basis = z.infer<typeof Basis>;

/** What a reported cost was for. `subcontract`: what those the agent hired have paid further down. */
export const CostKind = z.enum(['compute', 'api', 'subcontract', 'labour', 'other']);

/** Whether what was paid for came back: all of it, part of it, or nothing. */
export const OutcomeResult = z.enum(['received', 'partial', 'nothing']);
export type OutcomeResult = z.infer<typeof OutcomeResult>;

/** A unit of account, such as `USD`; amounts in it are in 10^-6. */
export const Unit = z.string().regex(/^[A-Z]{3,8}$/, 'a unit of account such as "USD"');

/** Names a cost or an outcome within its task, such as a bill's number: the same one again is the same one. */
export const Reference = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}$/, 'at most 100 letters, digits and "._:/#-"');

/** What a person allows a task: 10^-6 of `unit`. Nobody else sets it. */
export const taskTerms = {
  unit: Unit.optional(),
  /** Most that payments and reported costs may come to. */
  ceiling: Atomic.optional(),
  /** What the task is expected to cost. */
  estimate: Atomic.optional(),
  /** The task stops when it has cost this many percent of its estimate. */
  stopAtPercent: z.int().min(100).max(10_000).optional(),
};
export const TaskTerms = z.strictObject(taskTerms);
export type TaskTerms = z.infer<typeof TaskTerms>;
