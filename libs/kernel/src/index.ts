export { InvariantViolation, invariant, unreachable } from './invariant.ts';
export { Fault } from './fault.ts';
export { escaped, quoted, visible } from './visible.ts';
export {
  type Canonical,
  type MemberTexts,
  canonicalText,
  memberTexts,
  textOfMembers,
} from './canonical.ts';
export { type Digest, digestOf, digestOfText, sha256Hex } from './digest.ts';
export {
  COUNTABLE_MAX,
  UINT256_MAX,
  decimalOf,
  fromDecimal,
  isAtomicText,
  rescaleUp,
  toDecimal,
} from './amount.ts';
export {
  type CalendarUnit,
  type Span,
  calendarSpan,
  isTimeZone,
  utcOffsetMinutes,
} from './time-zone.ts';
