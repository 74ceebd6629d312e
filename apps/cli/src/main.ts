#!/usr/bin/env node
import { run } from './cli.ts';
import { readConfig } from './config.ts';
import { processTerminal } from './terminal.ts';

const config = readConfig();
process.exitCode = await run(process.argv.slice(2), { config, terminal: processTerminal(config) });
