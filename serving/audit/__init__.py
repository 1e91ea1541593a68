"""The audit trail: who changed what, sealed so that it shows when somebody changes the trail itself."""
