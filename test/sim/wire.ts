import { Fault } from '@countersign/kernel';
import type { Dice } from './dice.ts';
import type { Party, Scheduler } from './scheduler.ts';
import type { Weather } from './weather.ts';

/** How one kind of call travels. */
export interface Call<T> {
  readonly name: string;
  /** Takes place at one moment, whatever becomes of the caller meanwhile. */
  readonly effect: () => T;
  /** Code of the fault the caller gets when call or answer is lost. */
  readonly code: string;
  /** A reading needs no step of its own to take effect, most times. */
  readonly reads?: boolean;
}

/** Carries one replica's calls to what lies outside it: late, lost on the way there, or lost on the way back. */
export class Wire {
  readonly #parts: { scheduler: Scheduler; weather: Weather; dice: Dice; party: Party };

  constructor(parts: { scheduler: Scheduler; weather: Weather; dice: Dice; party: Party }) {
    this.#parts = parts;
  }

  call<T>(call: Call<T>): Promise<T> {
    const { scheduler, weather, dice, party } = this.#parts;
    const { name, code } = call;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = () => reject(new Fault(code, `${name}: no answer`, { retryable: true }));
    const isCutOff = party.cutOffUntilMs > scheduler.nowMs;
    if (isCutOff || weather.strikes('requestLost')) {
      this.#answer(name, dice.between(0, 3_000), fail);
      return promise;
    }
    const takeEffect = () => {
      if (party.isGone) return;
      let settle: () => void;
      try {
        const value = call.effect();
        settle = () => resolve(value);
      } catch (error) {
        settle = () => reject(error);
      }
      if (weather.strikes('answerLost')) this.#answer(name, dice.between(0, 3_000), fail);
      else this.#answer(name, weather.delayMs(), settle);
    };
    if (call.reads && dice.chance(0.8)) takeEffect();
    else scheduler.after(weather.delayMs(), `${name} takes effect`, takeEffect);
    return promise;
  }

  #answer(name: string, delayMs: number, settle: () => void): void {
    const { scheduler, party } = this.#parts;
    scheduler.after(delayMs, `${name} answers`, settle, party);
  }
}
