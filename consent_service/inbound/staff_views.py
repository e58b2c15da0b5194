from consent_service.staff.guard import staff_blueprint

blueprint = staff_blueprint("inbox", __name__, "/inbox")
