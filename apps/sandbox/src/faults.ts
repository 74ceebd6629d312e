/** What a demonstration can make the facilitator do wrong while it settles. Verifying is never touched. */
export interface SettleFaults {
  /** The next settlement happens on the chain, then its connection is cut without an answer. Calls add up. */
  dropNextSettleAnswer(): void;
  /** The next `count` settlements neither happen nor get an answer until the caller or the facilitator hangs up. */
  silentSettle(count: number): void;
  /** Every settlement from now on waits before it goes to the chain; 0 ends this. */
  delaySettle(delayMs: number): void;
  /** Ends every fault. Settlements that are silent already stay so. */
  clear(): void;
}

/** What becomes of one settlement: `drop` settles and hangs up, `silence` does neither. */
export interface SettlePlan {
  readonly outcome: 'answer' | 'drop' | 'silence';
  readonly delayMs: number;
}

/** The switches, and the plan they make for each settlement in the order of arrival. */
export function settleFaults(): {
  readonly faults: SettleFaults;
  readonly nextPlan: () => SettlePlan;
} {
  let drops = 0;
  let silences = 0;
  let delayMs = 0;

  function nextOutcome(): SettlePlan['outcome'] {
    if (silences > 0) {
      silences -= 1;
      return 'silence';
    }
    if (drops > 0) {
      drops -= 1;
      return 'drop';
    }
    return 'answer';
  }

  return {
    nextPlan: () => ({ outcome: nextOutcome(), delayMs }),
    faults: {
      dropNextSettleAnswer: () => {
        drops += 1;
      },
      silentSettle: (count) => {
        silences = count;
      },
      delaySettle: (nextDelayMs) => {
        delayMs = nextDelayMs;
      },
      clear: () => {
        drops = 0;
        silences = 0;
        delayMs = 0;
      },
    },
  };
}
