# One image for the operator, the JobManager and the TaskManagers: which of them a container is, its command says.
FROM docker.io/library/node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY scripts/link-node.cjs scripts/
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/build.ts flowjob operator kubernetes-operator flink-storage fetch-jar render-sql engine worker
# Laid out here, so that nothing has to run in the image itself.
RUN mkdir -p /image/opt/flowjob /image/usr/local/bin \
 && cp -r dist package.json LICENSE /image/opt/flowjob/ \
 && chmod 0755 /image/opt/flowjob/dist/flowjob.js \
 && ln -s /opt/flowjob/dist/flowjob.js /image/usr/local/bin/flowjob

FROM docker.io/library/node:24-bookworm-slim
LABEL org.opencontainers.image.title="FlowJob" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
WORKDIR /opt/flowjob
ENV NODE_ENV=production
# A number, so that the kubelet can see that it is not root. Writes nothing but to mounted volumes.
USER 10001:10001
ENTRYPOINT ["node"]
CMD ["dist/flowjob.js", "--help"]
