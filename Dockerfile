# The image: the two programs, the libraries that they need, certificates and time zones. No shell, no package manager.
#
#   docker build -t balena-clearblade-operator .        # or ./scripts/image, where there is no Docker
FROM debian:bookworm-slim AS build
# scripts/lib.sh has the list of what building needs.
COPY scripts/lib.sh /src/scripts/
RUN bash -c 'source /src/scripts/lib.sh && need_build_tools && need binutils python3 tzdata'
COPY . /src
# What is compiled once is kept for the next build.
RUN --mount=type=cache,target=/root/.cache/ccache \
    bash -c 'cd /src && source scripts/lib.sh && CMAKE_ARGS=-DBUILD_TESTING=OFF build release balena-clearblade-operator cloud-sandbox'
# The time that everything in the image has.
ARG SOURCE_DATE_EPOCH=0
RUN /src/scripts/rootfs /src/build/bin /rootfs

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
# The commit's date: that of the build would make another image of the same sources.
ARG CREATED=1970-01-01T00:00:00Z
# No url and no source: the project has no public address. Who publishes the image names his: docker build --label.
LABEL org.opencontainers.image.title="balena-clearblade-operator" \
      org.opencontainers.image.description="Keeps devices on balenaCloud registered in ClearBlade IoT Core" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="scratch" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /rootfs /
USER 65532:65532
WORKDIR /
# Health, metrics, endpoint.
EXPOSE 8081 8082 8443
ENTRYPOINT ["/usr/bin/balena-clearblade-operator"]
CMD ["controller"]
