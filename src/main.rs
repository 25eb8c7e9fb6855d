//! Signet: arguments in, exit code out.

/// Requests allocate on one thread and free on another, which costs glibc's allocator a tenth of the server's
/// time (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    signet::cli::main()
}
