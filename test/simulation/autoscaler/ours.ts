// The product's own decider as a scaler of the simulation. It is handed its memory through JSON, as a new leader would be.
import { decide } from '../../../src/autoscaler/decide.ts';
import { emptyHistory } from '../../../src/autoscaler/defaults.ts';
import type { AutoscalingConfig, Decision, History, Sample } from '../../../src/autoscaler/model.ts';
import type { Scaler } from './run.ts';

export class Ours implements Scaler {
  readonly everySeconds = 10;
  readonly decisions: Decision[] = [];
  last: Decision | null = null;
  history: History = emptyHistory();
  private looks = 0;

  private readonly config: AutoscalingConfig;

  constructor(config: AutoscalingConfig) {
    this.config = config;
  }

  look(sample: Sample | null, now: number): Record<string, number> | null {
    // A new leader now and then.
    if (this.looks++ % 2_000 === 1_999)
      this.history = emptyHistory(JSON.parse(JSON.stringify(this.history.kept)) as History['kept']);
    const { decision, history } = decide({ config: this.config, history: this.history, sample, now });
    this.history = history;
    this.last = decision;
    if (decision.action === 'Hold') return null;
    this.decisions.push(decision);
    return decision.parallelism;
  }
}
