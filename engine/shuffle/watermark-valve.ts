// The watermark of a task: the lowest of its channels, idle and ended ones left out. Flink's StatusWatermarkValve.
import { MAX_WATERMARK, MIN_WATERMARK } from '../operators/operator.ts';

export class WatermarkValve {
  private readonly watermarks: Float64Array;
  private readonly idle: Uint8Array;
  private current = MIN_WATERMARK;
  private allIdle = false;

  constructor(channels: number) {
    this.watermarks = new Float64Array(channels).fill(MIN_WATERMARK);
    this.idle = new Uint8Array(channels);
  }

  /** The task's new watermark, or null when it stays. */
  advance(channel: number, watermark: number): number | null {
    if (watermark <= this.watermarks[channel]!) return null;
    this.watermarks[channel] = watermark;
    return this.raise();
  }

  /** As `advance`: a channel that falls idle may have been the one that held back. */
  setIdle(channel: number, idle: boolean): number | null {
    this.idle[channel] = idle ? 1 : 0;
    return this.raise();
  }

  /** True when all channels that have not ended are idle, and one is: the task is idle itself. */
  get isIdle(): boolean {
    return this.allIdle;
  }

  private raise(): number | null {
    let lowest = MAX_WATERMARK;
    let active = 0;
    let waiting = 0;
    for (let channel = 0; channel < this.watermarks.length; channel++) {
      const watermark = this.watermarks[channel]!;
      if (watermark === MAX_WATERMARK) continue;
      waiting++;
      if (this.idle[channel] === 1) continue;
      active++;
      if (watermark < lowest) lowest = watermark;
    }
    this.allIdle = waiting > 0 && active === 0;
    if (this.allIdle || lowest <= this.current) return null;
    this.current = lowest;
    return lowest;
  }
}
