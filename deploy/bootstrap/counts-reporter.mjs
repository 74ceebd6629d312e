/** A vitest reporter that leaves the counts of a run in the file that COUNTS_FILE names, for the last line of `npm test`. */
import { writeFileSync } from 'node:fs';

export default class CountsReporter {
  /**
   * A file that does not load fails without naming a test, and an error outside every test fails only the run, so each
   * counts as one.
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state) => tests.filter((test) => test.result().state === state).length;
    const unloaded = modules.filter((module) => module.errors().length > 0).length;
    const failed = count('failed') + unloaded + unhandledErrors.length;
    writeFileSync(process.env.COUNTS_FILE, JSON.stringify({ passed: count('passed'), failed }));
  }
}
