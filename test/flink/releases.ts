// Which releases of Apache Flink are put together, and from what: of each minor version that a FlowJob may name, the newest.
import type { FlinkVersion } from '../../src/api/engine.ts';
import { jar, sourcePackage, wheel, type Part } from './parts.ts';

export interface Release {
  number: string;
  /** lib/, opt/ without the SQL gateway, plugins/. */
  libraries: Part;
  /** bin/ and conf/. */
  scripts: Part;
  /** SqlDriver, which runs a SQL script as an application, looks for it in opt/; null: there is no SqlDriver. */
  gateway: Part | null;
}

/** The one that all tests run with that do not ask for another. */
export const FLINK_VERSION = '2.3.0';

export const RELEASES: Readonly<Record<FlinkVersion, Release>> = {
  '1.20': {
    number: '1.20.5',
    libraries: sourcePackage(
      'apache-flink-libraries',
      '1.20.5',
      232,
      'e6aee62ea1a1fe7b32e28894ad079f3f1a50a372a4caac3df52405267f4228c8',
    ),
    scripts: wheel('apache-flink', '1.20.5', 3, '6e8ec098a7c06ea34d01fd540e81d44703a90e3bda74052dcbcbb7db5253c10f'),
    gateway: null,
  },
  '2.0': {
    number: '2.0.2',
    libraries: sourcePackage(
      'apache-flink-libraries',
      '2.0.2',
      309,
      '64dced9d0324a5f23f84e9cdf444d3fd64632169e477f001c21b422f39b995ba',
    ),
    scripts: wheel('apache-flink', '2.0.2', 3, '0d8c77771990a0577e078c8e7240bcb0144084286fd335717310d24e0e9581a3'),
    // Of the later ones there is none to be had.
    gateway: jar('flink-sql-gateway', '2.0.0', 1, '2bbd9ae2dec92066a78f19d6250a17205f358800dd1043a1577f5a6b251493d5'),
  },
  '2.1': {
    number: '2.1.3',
    libraries: sourcePackage(
      'apache-flink-libraries',
      '2.1.3',
      311,
      'b48d3944755b9303f99d205ea1a9bcb798fc563a872c782393fb466f16d4f91c',
    ),
    scripts: wheel('apache-flink', '2.1.3', 3, '88a6d7443297102f63f7d575367b6710912dcb4283a04f9141f83e54a1e25f09'),
    gateway: jar('flink-sql-gateway', '2.1.3', 1, 'ac677252fe6fe9dd32cc14c4aea16a2e36a8306469d61fcfdb57f45610bbb215'),
  },
  '2.2': {
    number: '2.2.1',
    libraries: wheel(
      'apache-flink-libraries',
      '2.2.1',
      313,
      '74dc5546fbd9add8fbcdf1222a237e09491f9b80296241aef8676ec56f8e686e',
    ),
    scripts: wheel('apache-flink', '2.2.1', 3, 'a7e0e06e6e2a788b1e0c4f6225efe6a9bdcb6463db77080b99620c36c076cbab'),
    gateway: jar('flink-sql-gateway', '2.2.1', 1, 'fde5f0f6e868c84de01312a4922404f9571c68a6d879e91fc602bbafa5d735aa'),
  },
  '2.3': {
    number: FLINK_VERSION,
    libraries: wheel(
      'apache-flink-libraries',
      FLINK_VERSION,
      329,
      '38ece876553286b3a285cf344c2d2038f8a7ca10da5df54d5107250386d64151',
    ),
    scripts: wheel(
      'apache-flink',
      FLINK_VERSION,
      3,
      '0e5f612704de1610b153e919c0564b62ad513cddfcf4960f5a021658cdf41a13',
    ),
    gateway: jar(
      'flink-sql-gateway',
      FLINK_VERSION,
      1,
      'aad296a152dc367ddd70727f5a57dd61958cff3d8dceb1f947bf8d9705c8d724',
    ),
  },
};

/** The file system `s3://`. */
export const S3_FILE_SYSTEM = jar(
  'flink-s3-fs-hadoop',
  FLINK_VERSION,
  32,
  '5a3de2daac49e9df1783367391f994dace3bfa18c168b45c3d4563decca7d3d0',
);

const TOP_SPEED = ':jar:TopSpeedWindowing';

/** Flink's own example TopSpeedWindowing, of 36 KB: runs until it is stopped, or to the end of a file. A jar that was built for 2.x need not run on 1.20. */
export const EXAMPLES: Readonly<Record<'1.20' | '2.3', Part>> = {
  '1.20': jar(
    'flink-examples-streaming',
    '1.20.0',
    1,
    '99f1454e37176bab4fdf4d3c876742db6baf626f4996c32b4ac9ec38e3565493',
    TOP_SPEED,
  ),
  '2.3': jar(
    'flink-examples-streaming',
    FLINK_VERSION,
    1,
    'bd2beac8d438bcfad21a291f05c2882f983d55690e9468b759a5cc41cb59dbbe',
    TOP_SPEED,
  ),
};
