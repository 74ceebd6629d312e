/** That a key signed a text. */
export interface Claim {
  /** Public key. */
  readonly by: string;
  readonly text: string;
  readonly value: string;
  /** Whether the text stands for several statements. */
  readonly isJoint: boolean;
}

/** Joint signatures that were verified, so that one verification serves all statements under them. */
export class KnownJoint {
  static readonly #MOST = 10_000;
  readonly #genuine = new Set<string>();
  readonly #underWay = new Map<string, Promise<boolean | undefined>>();

  has(claim: Claim): boolean {
    return claim.isJoint && this.#genuine.has(KnownJoint.#nameOf(claim));
  }

  add(claim: Claim): void {
    if (!claim.isJoint) return;
    if (this.#genuine.size >= KnownJoint.#MOST)
      this.#genuine.delete(this.#genuine.values().next().value ?? '');
    this.#genuine.add(KnownJoint.#nameOf(claim));
  }

  /** What is found of this claim by whoever asked first. */
  sharing(claim: Claim, find: () => Promise<boolean | undefined>): Promise<boolean | undefined> {
    if (!claim.isJoint) return find();
    const name = KnownJoint.#nameOf(claim);
    let finding = this.#underWay.get(name);
    if (!finding) {
      finding = find().finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, finding);
    }
    return finding;
  }

  static #nameOf({ by, text, value }: Claim): string {
    return `${by} ${value} ${text}`;
  }
}
