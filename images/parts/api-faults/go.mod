module kindrs.dev/parts/api-faults

go 1.24.0
